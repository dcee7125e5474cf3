/** What a provider fetches from a URL that a stranger named, from a real server. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { createOutside, type Outside } from '../../../node/network/outside.ts'
import { DataError } from '../../../provider-agent/inputs/data-error.ts'
import { fetchUrl, type UrlWanted } from '../../../provider-agent/inputs/fetch-url.ts'
import type { UrlPatience } from '../../../provider-agent/inputs/patience.ts'
import { type FileServer, giving, sha256Of, startFileServer } from '../../support/file-server.ts'

const BYTES = randomBytes(300 * 1024)
const SHA256 = sha256Of(BYTES)

let folder: string
let part: string
let server: FileServer
/** The server is where the owner allows it, and a digest is asked for by each test itself. */
let outside: Outside
let told: [number, number | null][]
let rooms: number[]

async function fetch(
  path: string,
  { sha256 = SHA256 as string | null, ...changes }: Partial<UrlWanted> & { sha256?: string | null } = {},
  patience: UrlPatience = {},
): Promise<number> {
  const url = path.includes('://') ? path : server.url(path)
  const wanted: UrlWanted = {
    source: sha256 === null ? { url } : { url, sha256 },
    ...{ path: '/in', part, maxBytes: 2 ** 20 },
    onBytes: (bytes, total) => void told.push([bytes, total]),
    makeRoom: async (bytes) => void rooms.push(bytes),
    ...changes,
  }
  return await fetchUrl({ outside, clock: systemClock, logger: silentLogger }, wanted, patience, signal)
}
const { signal } = new AbortController()

async function fails(task: Promise<unknown>, reason: string, what?: string): Promise<void> {
  await assert.rejects(task, (error) => {
    assert.ok(error instanceof DataError, `${what} ${error}`)
    assert.equal(error.details.reason, reason, what)
    return true
  })
}

const ranges = (): (string | undefined)[] => server.asked.map(({ headers }) => headers.range)

describe('what comes from a URL', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-url-'))
    part = join(folder, 'part')
    server = await startFileServer()
    const strict = createOutside({ isAllowed: ({ host }) => host === server.host, answerMs: 2_000 })
    outside = { send: async (url, request) => await strict.send(url, { ...request, plain: true }) }
    told = []
    rooms = []
  })
  afterEach(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })

  it('arrives whole, tells how much there is, and says nothing of who asks', async () => {
    server.on('/a', giving(BYTES))
    assert.equal(await fetch('/a?signature=x'), BYTES.length)
    assert.deepEqual(await readFile(part), BYTES)
    assert.deepEqual(
      [told[0], told.at(-1)],
      [
        [0, BYTES.length],
        [BYTES.length, BYTES.length],
      ],
    )
    assert.deepEqual(rooms, [BYTES.length])
    const sent = Object.keys(server.asked[0]?.headers ?? {}).toSorted()
    assert.deepEqual(sent, ['accept', 'accept-encoding', 'connection', 'host', 'user-agent'])
  })

  it('is taken as it is where no digest is told', async () => {
    server.on('/a', giving(BYTES))
    assert.equal(await fetch('/a', { sha256: null }), BYTES.length)
  })

  it('is nothing where it is not what its digest says, and nothing of it is kept', async () => {
    server.on('/a', giving(Buffer.from('another')))
    await fails(fetch('/a'), 'digest-mismatch')
    assert.equal((await readFile(part)).length, 0)
  })

  for (const sha256 of [SHA256, null]) {
    const how = sha256 === null ? 'without a digest' : 'with a digest'
    it(`goes on where the connection broke, ${how}`, async () => {
      server.on('/a', giving(BYTES, { etag: '"1"', cutAfter: 130_000 }))
      assert.equal(await fetch('/a', { sha256 }), BYTES.length)
      assert.deepEqual(await readFile(part), BYTES)
      assert.equal(ranges()[0], undefined)
      assert.ok(
        ranges().length >= 3 &&
          ranges()
            .slice(1)
            .every((range) => /^bytes=[1-9]\d*-$/.test(range ?? '')),
      )
      assert.equal(server.asked[1]?.headers['if-range'], '"1"')
    })

    it(`begins anew where it has changed meanwhile, ${how}`, async () => {
      const before = giving(randomBytes(BYTES.length), { etag: '"old"', cutAfter: 100_000 })
      server.on('/a', (request, response) => {
        server.on('/a', giving(BYTES, { etag: '"new"' }))
        before(request, response)
      })
      assert.equal(await fetch('/a', { sha256 }), BYTES.length)
      assert.deepEqual(await readFile(part), BYTES)
    })

    it(`begins anew where the server gives no parts, ${how}`, async () => {
      server.on('/a', (request, response) => {
        server.on('/a', giving(BYTES, { ranges: false }))
        giving(BYTES, { etag: '"1"', cutAfter: 100_000 })(request, response)
      })
      assert.equal(await fetch('/a', { sha256 }), BYTES.length)
      assert.deepEqual(await readFile(part), BYTES)
    })

    it(`begins anew where the server goes on elsewhere than it was asked to, ${how}`, async () => {
      let times = 0
      server.on('/a', (request, response) => {
        times += 1
        if (times === 1) return void giving(BYTES, { etag: '"1"', cutAfter: 100_000 })(request, response)
        if (times > 2) return void giving(BYTES)(request, response)
        response.writeHead(206, { 'content-range': `bytes 5-9/${BYTES.length}`, 'content-length': 5, etag: '"1"' })
        response.end('wrong')
      })
      assert.equal(await fetch('/a', { sha256 }), BYTES.length)
      assert.deepEqual(await readFile(part), BYTES)
    })
  }

  it('goes on from what an earlier process left where the digest tells whether that was right', async () => {
    server.on('/a', giving(BYTES))
    await writeFile(part, BYTES.subarray(0, 1_000))
    assert.equal(await fetch('/a'), BYTES.length)
    assert.deepEqual(ranges(), ['bytes=1000-'])
    await writeFile(part, BYTES)
    assert.equal(await fetch('/a'), BYTES.length)
    assert.equal(server.asked.length, 1, 'all of it is there')
    await writeFile(part, randomBytes(1_000))
    assert.equal(await fetch('/a'), BYTES.length)
    assert.deepEqual(ranges().slice(1), ['bytes=1000-', undefined])
    assert.deepEqual(await readFile(part), BYTES)
    await writeFile(part, randomBytes(1_000))
    assert.equal(await fetch('/a', { sha256: null }), BYTES.length)
    assert.deepEqual(await readFile(part), BYTES)
  })

  it('is not taken beyond the job’s storage, whatever the server says or does not say', async () => {
    server.on('/a', giving(BYTES))
    await fails(fetch('/a', { maxBytes: BYTES.length - 1 }), 'larger-than-storage')
    server.on('/endless', (_request, response) => {
      const more = (): void => {
        if (response.destroyed) return
        response.write(Buffer.alloc(65_536), () => setImmediate(more))
      }
      more()
    })
    for (const sha256 of [SHA256, null]) {
      await fails(fetch('/endless', { maxBytes: 2 ** 20, sha256 }), 'larger-than-storage')
      assert.ok((await readFile(part)).length <= 2 ** 20)
    }
  })

  it('is given room as it comes where nobody says how much it is', async () => {
    server.on('/a', (_request, response) => {
      response.write(BYTES.subarray(0, 1_000))
      response.end(BYTES.subarray(1_000))
    })
    assert.equal(await fetch('/a'), BYTES.length)
    assert.deepEqual([rooms[0], rooms.at(-1)], [0, 2 ** 20], 'no more than the job may have')
    const makeRoom = async (): Promise<void> => Promise.reject(new DataError('no-space', '/in'))
    await rm(part)
    await fails(fetch('/a', { makeRoom }), 'no-space')
  })

  it('is given up where the server ends before its end each time, and where it says nothing', async () => {
    server.on('/short', (_request, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('x', () => setTimeout(() => response.destroy(), 5))
    })
    server.on('/silent', (_request, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.flushHeaders()
    })
    await Promise.all([
      fails(fetch('/short', { part: join(folder, '1') }), 'url-unreachable'),
      fails(fetch('/silent', { part: join(folder, '2') }, { idleMs: 50 }), 'url-too-slow'),
      fails(fetch('http://127.0.0.1:1/', { part: join(folder, '3') }), 'url-not-allowed'),
    ])
  })

  it('is given up where the server is slower than the least rate, all tries together', async () => {
    server.on('/drip', (_request, response) => {
      response.writeHead(200, { 'content-length': 10_000 })
      const more = (): void => void (response.destroyed || response.write('x', () => setTimeout(more, 5)))
      more()
    })
    await fails(fetch('/drip', {}, { graceMs: 100, leastRate: 2 ** 20 }), 'url-too-slow')
    server.on('/broken', giving(BYTES, { etag: '"1"', cutAfter: 1 }))
    await fails(fetch('/broken', {}, { graceMs: 100 }), 'url-too-slow')
    server.on('/fast', giving(BYTES, { cutAfter: 100_000 }))
    await fails(fetch('/fast', {}, { deadlineMs: 1 }), 'url-too-slow', 'the deadline for all of it')
  })

  it('is asked for again where the server says that it cannot now', async () => {
    for (const status of [503, 429]) {
      server.on('/a', (_request, response) => {
        server.on('/a', giving(BYTES))
        response.writeHead(status).end()
      })
      assert.equal(await fetch('/a'), BYTES.length)
      await rm(part)
    }
  })

  it('is the job’s own fault where the server does not give it', async () => {
    for (const status of [204, 300, 304, 400, 401, 403, 404, 410]) {
      server.on('/a', (_request, response) => void response.writeHead(status).end())
      await fails(fetch('/a'), 'url-not-given', String(status))
    }
    assert.equal(server.asked.length, 8, 'each once')
  })

  const led = (to: string): void =>
    server.on('/from', (_request, response) => void response.writeHead(302, { location: to }).end())

  it('is followed to where it leads, a few times', async () => {
    server.on('/a', giving(BYTES))
    led('to/../a')
    assert.equal(await fetch('/from'), BYTES.length)
    await rm(part)
    led('/from')
    await fails(fetch('/from'), 'url-not-given')
    assert.equal(server.asked.filter(({ path }) => path === '/from').length, 1 + 6)
    for (const to of ['http://', `http://user:word@${server.host}/a`]) {
      led(to)
      await fails(fetch('/from'), 'url-not-given', to)
    }
  })

  it('is not followed to where it would be read in the clear, unless its digest is known', async () => {
    const strict = createOutside({ isAllowed: () => true })
    // As if the first had been asked by TLS.
    outside = {
      send: async (url, request) =>
        await strict.send(url, { ...request, plain: request.plain === true || url.pathname === '/from' }),
    }
    server.on('/a', giving(BYTES))
    led('/a')
    await fails(fetch('/from', { sha256: null }), 'url-not-given')
    assert.equal(await fetch('/from'), BYTES.length)
    await rm(part)
    for (const to of ['file:///etc/passwd', 'ftp://example.com/', 'data:,x']) {
      led(to)
      await fails(fetch('/from'), 'url-not-given', to)
    }
  })

  const inside = [
    ...['127.0.0.1', '127.1', '2130706433', '0x7f.1', '017700000001', '0', 'LocalHost', '10.0.0.7'],
    ...['192.168.1.1', '172.16.0.1', '169.254.169.254', '0xa9fea9fe', '100.100.100.200', '168.63.129.16', '[::1]'],
    ...['[::]', '[::ffff:127.0.0.1]', '[::ffff:a9fe:a9fe]', '[fe80::1]', '[fd00:ec2::254]', '[64:ff9b::a9fe:a9fe]'],
    ...['[2002:a9fe:a9fe::]', '%31%32%37.0.0.1'],
  ]
  it('is never inside of the network, however that is written, at once or by a redirect', async () => {
    for (const host of inside) {
      for (const scheme of ['http', 'https']) {
        const url = `${scheme}://${host}:1/latest/meta-data`
        await fails(fetch(url), 'url-not-allowed', url)
        led(url)
        await fails(fetch('/from'), 'url-not-allowed', `led to ${url}`)
      }
    }
  })

  it('comes from the address that was checked, though the name means another a moment later', async () => {
    let lookups = 0
    const strict = createOutside({
      resolve: async () => {
        lookups += 1
        return [{ address: lookups % 2 === 1 ? '169.254.169.254' : '203.0.113.1', family: 4 }]
      },
    })
    outside = strict
    await fails(fetch('http://rebinding.example/'), 'url-not-allowed')
    assert.equal(lookups, 1)
  })
})
