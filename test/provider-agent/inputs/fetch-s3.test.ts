import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { createOutside } from '../../../node/network/outside.ts'
import { entriesOf } from '../../../node/tar-entries.ts'
import { DataError } from '../../../provider-agent/inputs/data-error.ts'
import { fetchS3, type S3Wanted } from '../../../provider-agent/inputs/fetch-s3.ts'
import type { UrlPatience } from '../../../provider-agent/inputs/patience.ts'
import { PIECE_BYTES } from '../../../provider-agent/inputs/s3-plan.ts'
import { putObjects, refuse, S3_KEYS, type S3Server, startS3Server } from '../../support/s3-server.ts'
import { trustedCertificate } from '../../support/trusted-certificate.ts'
import { until } from '../../support/until.ts'

const NAMES = { accessKeyId: { secret: 'ID' }, secretAccessKey: { secret: 'KEY' } }
const SECRETS = { ID: S3_KEYS.accessKeyId, KEY: S3_KEYS.secretAccessKey }

describe('what comes from a bucket', () => {
  let server: S3Server
  let folder: string
  let part: string
  const large = randomBytes(3 * PIECE_BYTES + 5)

  before(async () => {
    server = await startS3Server(trustedCertificate, { buckets: ['mine'] })
    folder = await mkdtemp(join(tmpdir(), 'cortex-fetch-s3-'))
    part = join(folder, 'a.part')
    await putObjects(server, 'mine', { large, small: 'small\n', empty: '' })
  })
  after(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })
  beforeEach(async () => {
    server.meanwhile = () => false
    server.asked.length = 0
    for (const name of await readdir(folder)) await rm(join(folder, name))
  })

  async function fetched(
    source: Partial<S3Wanted['source']>,
    changes: Partial<S3Wanted> = {},
    { patience = {}, signal = new AbortController().signal }: { patience?: UrlPatience; signal?: AbortSignal } = {},
  ): Promise<Buffer> {
    const outside = createOutside({ isAllowed: ({ host }) => host === server.host, answerMs: 2_000 })
    const wanted = {
      secrets: SECRETS,
      path: '/in',
      part,
      maxBytes: 2 ** 30,
      onBytes: () => undefined,
      makeRoom: async () => undefined,
    }
    const from = { endpoint: server.endpoint, bucket: 'mine', ...NAMES, ...source }
    const bytes = await fetchS3(
      { outside, clock: systemClock, logger: silentLogger },
      { ...wanted, source: from, ...changes },
      patience,
      signal,
    )
    const content = await readFile(part)
    assert.equal(content.length, bytes)
    assert.deepEqual(await readdir(folder), ['a.part'], 'notes are left')
    return content
  }

  async function fails(task: Promise<unknown>, reason: string, said = /./): Promise<void> {
    await assert.rejects(task, (error: DataError) => {
      assert.ok(error instanceof DataError, String(error))
      assert.equal(error.details.reason, reason, error.message)
      assert.match(error.message, said)
      assert.doesNotMatch(error.message, /AKIA|Secret\+/)
      return true
    })
  }

  async function entries(): Promise<Record<string, string>> {
    const found: Record<string, string> = {}
    for await (const entry of entriesOf(createReadStream(part))) {
      found[entry.header.name] = entry.header.type === 'directory' ? 'folder' : String(await buffer(entry))
      entry.resume()
    }
    return found
  }

  const lists = (...keys: string[]) => {
    server.meanwhile = (request, response) => {
      if (!request.url?.includes('list-type')) return false
      const all = keys.map(
        (key) => `<Contents><Key>${encodeURIComponent(key)}</Key><Size>1</Size><ETag>"e"</ETag></Contents>`,
      )
      response.end(`<ListBucketResult><EncodingType>url</EncodingType>${all.join('')}</ListBucketResult>`)
      return true
    }
  }

  it('is an object, in parts at once where it is large', async () => {
    const told: [number, number][] = []
    const came = await fetched({ key: 'large' }, { onBytes: (...bytes) => void told.push(bytes) })
    assert.ok(came.equals(large))
    assert.equal(server.asked.length, 1 + 4)
    assert.deepEqual(told.at(-1), [large.length, large.length])
    assert.ok(told.every(([done], i) => done >= (told[i - 1]?.[0] ?? 0)))
    assert.equal(String(await fetched({ key: 'small' })), 'small\n')
    assert.equal((await fetched({ key: 'empty' })).length, 0)
  })

  it('goes on where connections break', async () => {
    let cuts = 0
    server.meanwhile = (request, response) => {
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
      if (last === undefined || last === '1' || cuts >= 6) return false
      cuts += 1
      part206(response, large, Number(first), Number(last), String(request.headers['if-match']))
      return true
    }
    assert.ok((await fetched({ key: 'large' })).equals(large))
    assert.equal(cuts, 6)
    const ranges = server.asked.flatMap(({ headers }) => headers.range ?? [])
    const fromTheirBeginning = ranges.filter((range) => Number(/\d+/.exec(range)?.[0]) % PIECE_BYTES === 0)
    assert.deepEqual([ranges.length, fromTheirBeginning.length], [1 + 4 + 6, 1 + 4], ranges.join(' '))
  })

  it('goes on after the end of the process, with what was not there yet', async () => {
    const scope = new AbortController()
    let parts = 0
    server.meanwhile = (request) => {
      if (request.headers.range === 'bytes=0-1') return false
      parts += 1
      return parts > 2 // it hangs
    }
    const first = fetched({ key: 'large' }, {}, { signal: scope.signal })
    const notes = join(folder, 'a.notes.part')
    await until(async () => (await readFile(notes, 'utf8').catch(() => '')).split('\n').length > 3)
    scope.abort(new Error('killed'))
    await assert.rejects(first, /killed/)
    server.meanwhile = () => false
    server.asked.length = 0
    assert.ok((await fetched({ key: 'large' })).equals(large))
    assert.equal(server.asked.length, 1 + 2)
  })

  it('is of one content, or fails', async () => {
    let asked = 0
    server.meanwhile = (_request, response) => {
      asked += 1
      if (asked < 3) return false
      refuse(response, 412, 'PreconditionFailed')
      return true
    }
    await fails(fetched({ key: 'large' }), 'bucket-changed')
    server.meanwhile = (request, response) => {
      if (request.headers.range === 'bytes=0-1') return false
      part206(response, Buffer.alloc(large.length), 0, PIECE_BYTES - 1, '"another"')
      return true
    }
    await fails(fetched({ key: 'large' }), 'bucket-changed')
  })

  it('is a folder as a tar', async () => {
    const long = `${'d'.repeat(90)}/${'ü'.repeat(100)}/${'f'.repeat(120)}`
    await putObjects(server, 'mine', {
      'rows/a': 'A',
      'rows/b/c': 'C',
      [`rows/${long}`]: 'long',
      'rows/empty': '',
      rowsbeside: 'no',
    })
    for (const prefix of ['rows', 'rows/']) {
      await fetched({ prefix })
      assert.deepEqual(await entries(), { a: 'A', 'b/c': 'C', [long]: 'long', empty: '' })
    }
    await fails(fetched({ prefix: 'none' }), 'bucket-not-found')
  })

  it('takes no name that would stand elsewhere, or twice', async () => {
    for (const keys of [
      ['x/../y'],
      ['x/../../etc/passwd'],
      ['x/./a'],
      ['x//etc/passwd'],
      ['x/a', 'x/a'],
      ['x/a', 'x/a/b'],
      ['x/a/b', 'x/a'],
      ['x/a\0b'],
      ['other'],
      ['x/a/'],
    ]) {
      lists(...keys)
      await fails(fetched({ prefix: 'x' }), 'unsafe-archive')
    }
    assert.ok(
      server.asked.every(({ path }) => path.includes('list-type')),
      'nothing of them was asked for',
    )
  })

  it('is no larger than the storage, whatever the server lists', async () => {
    await fails(fetched({ key: 'large' }, { maxBytes: large.length - 1 }), 'larger-than-storage')
    lists('x/a', 'x/b', 'x/c')
    await fails(fetched({ prefix: 'x' }, { maxBytes: 2 }), 'larger-than-storage')
    let page = 0
    server.meanwhile = (_request, response) => {
      page += 1
      const all = Array.from(
        { length: 1_000 },
        (_, i) => `<Contents><Key>x/${page}-${i}</Key><Size>0</Size><ETag>"e"</ETag></Contents>`,
      )
      const more = `<IsTruncated>true</IsTruncated><NextContinuationToken>${page}</NextContinuationToken>`
      response.end(`<ListBucketResult>${more}${all.join('')}</ListBucketResult>`)
      return true
    }
    await fails(fetched({ prefix: 'x' }), 'bucket-too-many', /more than 100000 objects/)
    assert.ok(page <= 101)
  })

  it('tells what is wrong, and never the keys', async () => {
    await fails(fetched({ key: 'nothing' }), 'bucket-not-found', /NoSuchKey/)
    await fails(fetched({ bucket: 'nothing', key: 'a' }), 'bucket-not-found', /NoSuchBucket/)
    await fails(
      fetched({ key: 'small' }, { secrets: { ...SECRETS, KEY: 'Secret+wrong' } }),
      'bucket-refused',
      /SignatureDoesNotMatch/,
    )
    await fails(fetched({ key: 'small', region: 'eu-west-1' }), 'bucket-elsewhere', /us-east-1/)
    await fails(fetched({ key: 'a', endpoint: 'https://169.254.169.254' }), 'url-not-allowed')
    server.meanwhile = (_request, response) => {
      response.writeHead(302, { location: 'https://169.254.169.254/latest/meta-data' }).end()
      return true
    }
    await fails(fetched({ key: 'small' }), 'bucket-not-given', /302/)
  })

  it('is given up where the server is away, or slow', async () => {
    server.meanwhile = (_request, response) => {
      refuse(response, 503, 'SlowDown')
      return true
    }
    await fails(fetched({ key: 'small' }), 'url-unreachable')
    server.meanwhile = (request, response) => {
      if (request.headers.range === 'bytes=0-1') return false
      response.writeHead(200, { 'content-length': 6, etag: String(request.headers['if-match']) })
      const more = (): void => void (response.destroyed || response.write('', () => setTimeout(more, 50)))
      response.flushHeaders()
      more()
      return true
    }
    await fails(fetched({ key: 'small' }, {}, { patience: { idleMs: 100 } }), 'url-too-slow')
  })
})

/** A part that breaks off after some of it. */
function part206(response: ServerResponse, bytes: Buffer, first: number, last: number, etag: string): void {
  const content = { 'content-length': last - first + 1, 'content-range': `bytes ${first}-${last}/${bytes.length}` }
  response.writeHead(206, { ...content, etag })
  response.write(bytes.subarray(first, Math.min(first + 1_000_001, last)), () =>
    setTimeout(() => response.destroy(), 20),
  )
}
