import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../../node/clock.ts'
import type { Outside } from '../../../node/network/outside.ts'
import { createS3 } from '../../../node/network/s3.ts'
import { planOf } from '../../../provider-agent/inputs/s3-plan.ts'
import { measureVitals } from '../../attack/support/vitals.ts'

const OBJECTS = 20_000
const PAGE = 1_000
/** What nobody's input may hold a process for, in ms: that of test/attack. */
const LONGEST_HELD_MS = 50

/** A bucket whose pages are there already, so that nothing is measured but how they are read. */
function bucketOf(objects: number): Outside {
  const pages = Array.from({ length: objects / PAGE }, (_, page) => {
    const entries = Array.from({ length: PAGE }, (_, i) => {
      const tag = `<ETag>&quot;${String(i).padStart(32, '0')}&quot;</ETag><Size>100</Size>`
      return `<Contents><Key>rows/part-${page}/a%20file-${i}.bin</Key>${tag}<StorageClass>STANDARD</StorageClass></Contents>`
    })
    const more = `<IsTruncated>${(page + 1) * PAGE < objects}</IsTruncated><NextContinuationToken>${page + 1}</NextContinuationToken>`
    const head = `<EncodingType>url</EncodingType>${more}`
    return Buffer.from(`<ListBucketResult>${head}${entries.join('')}</ListBucketResult>`)
  })
  return {
    async send(url) {
      await delay(1)
      const page = pages[Number(url.searchParams.get('continuation-token'))]
      return Object.assign(Readable.from([page]), { statusCode: 200, headers: {} }) as never
    },
  }
}

describe('a plan of what comes from a bucket', () => {
  it('is made of very many objects while others have their turn', async () => {
    const outside = bucketOf(OBJECTS)
    const source = { endpoint: 'https://s3.example.com', bucket: 'mine', prefix: 'rows/' }
    const plan = async (of: Outside) =>
      await planOf(
        createS3({ outside: of, clock: systemClock }, source, null),
        { source, path: '/in', maxBytes: 2 ** 40 },
        new AbortController().signal,
      )
    // Code that runs for the first time takes longer.
    await plan(bucketOf(PAGE))
    const vitals = measureVitals()
    await vitals.most()
    vitals.beginAnew()
    const { pieces, bytes } = await plan(outside)
    const { heldMs, slowness } = await vitals.most()
    vitals.stop()
    assert.equal(pieces.length, OBJECTS)
    assert.equal(bytes, OBJECTS * 1_024 + 1_024)
    assert.equal(pieces.at(-1)?.key, `rows/part-${OBJECTS / PAGE - 1}/a file-${PAGE - 1}.bin`)
    assert.ok(heldMs <= LONGEST_HELD_MS * slowness, `held for ${heldMs} ms, slowness ${slowness}`)
  })
})
