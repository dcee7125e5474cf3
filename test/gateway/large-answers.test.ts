/** Answers that are large in all, asked for by many at once: what is held of them is small. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { type ServedGateway, serveTestGateway } from './support/served-gateway.ts'
import { ADMIN_KEY, submit } from './support/test-gateway.ts'

const MIB = 2 ** 20
const READERS = 30
/** What the readers may add to the heap together; all that they read is many times as much. */
const MAX_HELD_BYTES = 300 * MIB
const LOOK_MS = 200

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

let gateway: ServedGateway
let id: string
before(async () => {
  gateway = await serveTestGateway()
  id = await submit(gateway)
  await gateway.play.start(id)
  const line = 'x'.repeat(60_000)
  for (let i = 0; i < 250; i += 1) await gateway.play.log(id, line, line, line, line)
})
after(async () => await gateway.close())

/** What is in use once all that is not has been collected: a busy machine collects late, and that is no one's holding. */
function heldBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

/** By how much that grew, at most: only what looks like too much is collected, which holds up everything else. */
function grownBytes(before: number): number {
  const seen = process.memoryUsage().heapUsed - before
  return seen < MAX_HELD_BYTES ? seen : heldBytes() - before
}

/** Asks from a thread of its own, and answers what each got, and the most that this thread's heap grew by. */
async function read(path: string): Promise<{ bytes: number[]; statuses: number[]; heldBytes: number }> {
  const code = `
    const { parentPort, workerData: { url, key, readers } } = require('node:worker_threads')
    const one = async () => {
      const response = await fetch(url, { headers: { Authorization: 'Bearer ' + key } })
      let bytes = 0
      for await (const chunk of response.body) bytes += chunk.length
      return { status: response.status, bytes }
    }
    Promise.all(Array.from({ length: readers }, one)).then((all) => parentPort.postMessage(all))
  `
  const workerData = { url: `${gateway.url}${path}`, key: ADMIN_KEY, readers: READERS }
  const before = heldBytes()
  let most = 0
  const timer = setInterval(() => {
    most = Math.max(most, grownBytes(before))
  }, LOOK_MS)
  const worker = new Worker(code, { eval: true, workerData })
  try {
    const [all] = (await once(worker, 'message')) as [{ status: number; bytes: number }[]]
    return { bytes: all.map(({ bytes }) => bytes), statuses: all.map(({ status }) => status), heldBytes: most }
  } finally {
    clearInterval(timer)
    await worker.terminate()
  }
}

describe('large answers', () => {
  for (const query of ['?tail=1000000000', '', '?since=1970-01-01T00:00:00Z']) {
    it(`entry 3: logs${query} of 60 MB, 30 at once, are the newest 8 MiB each, and are never held`, async () => {
      const { bytes, statuses, heldBytes } = await read(`/api/plugin-core/jobs/${id}/logs${query}`)
      assert.deepEqual([...new Set(statuses)], [200])
      for (const one of bytes) assert.ok(one > 7 * MIB && one < 9 * MIB, `${one} bytes`)
      assert.ok(heldBytes < MAX_HELD_BYTES, `${Math.round(heldBytes / MIB)} MiB were held`)
    })
  }

  it('entry 3: says that older lines were left out, and of a short log nothing of the kind', async () => {
    const { data } = await gateway.ask('GET', `/api/plugin-core/jobs/${id}/logs`)
    assert.equal(data.truncated, true)
    const short = await gateway.ask('GET', `/api/plugin-core/jobs/${id}/logs?tail=3`)
    assert.deepEqual([short.data.logs.length, short.data.truncated], [3, undefined])
  })

  it('entry 3: a page of a hundred large jobs with fields, 30 at once, is never held', async () => {
    const value = 'v'.repeat(30_000)
    const env = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`V${i}`, value]))
    const spec = jobSubmissionSchema.parse({ image: 'busybox', env })
    for (let i = 0; i < 60; i += 1) await gateway.node.requester.submit({ owner: 'large', spec })
    for (const [query, most] of [
      ['limit=100&fields=id', 20_000],
      ['limit=100&fields=id,config', 20 * MIB],
      ['limit=100&q=busybox&fields=id', 20_000],
      ['limit=100&sort=image&fields=id', 20_000],
    ] as const) {
      const { bytes, statuses, heldBytes } = await read(`/api/plugin-core/jobs?${query}`)
      if (statuses[0] === 400) continue // no such order
      assert.deepEqual([...new Set(statuses)], [200], query)
      for (const one of bytes) assert.ok(one < most, `${query}: ${one} bytes`)
      assert.ok(heldBytes < MAX_HELD_BYTES, `${query}: ${Math.round(heldBytes / MIB)} MiB were held`)
    }
  })
})
