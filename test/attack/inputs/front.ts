/** What may be sent at the gateway's own front: protocols, connections, bodies, keys, streams. */

import assert from 'node:assert/strict'
import { openRaw, type Raw, requestText } from '../../gateway/support/raw.ts'
import { until } from '../../support/until.ts'
import type { AttackTarget, HostileInput } from '../support/inputs.ts'

const JOBS = '/api/plugin-core/jobs'
const AT_ONCE = 250

async function talk(url: string, text: string): Promise<string> {
  const raw = await openRaw(url, text)
  try {
    return await raw.ended()
  } finally {
    raw.socket.destroy()
  }
}

/** So many times, 250 at the same moment. */
async function inTurns<T>(times: number, task: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let start = 0; start < times; start += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, times - start) }, async (_, i) => await task(start + i))
    results.push(...(await Promise.all(some)))
  }
  return results
}

async function healthy({ url }: AttackTarget): Promise<void> {
  assert.equal((await fetch(`${url}/api/health`)).status, 200)
}

const PROTOCOLS = [
  'h2c',
  'H2C',
  'HTTP/2.0',
  'TLS/1.0',
  'TLS/1.3',
  'websocket',
  'WebSocket',
  'websocket, h2c',
  'h2c, websocket',
  'h2c,,',
  'IRC/6.9, RTA/x11',
  'connect-udp',
  'x'.repeat(4000),
  'a/b/c',
  '\u00ff',
]
const PLACES: [method: string, path: string, host: string, status: number][] = [
  ['GET', '/api/health', 'localhost', 200],
  ['HEAD', '/api/health', 'localhost', 200],
  ['PUT', '/api/health', 'localhost', 404],
  ['GET', JOBS, 'localhost', 401],
  ['POST', JOBS, 'localhost', 401],
  ['DELETE', `${JOBS}/x`, 'localhost', 401],
  ['GET', '/', '80--job_01k8m3q7w9x2v5n4c6b8d0f1g3.localhost', 401],
  ['GET', '/nothing', 'evil.example', 403],
]
const upgrades: HostileInput[] = PROTOCOLS.flatMap((protocol) =>
  PLACES.map(([method, path, host, status]) => ({
    name: `entry 1: ${method} ${path} at ${host} with Upgrade: ${JSON.stringify(protocol.slice(0, 20))}`,
    async attempt({ url }) {
      const headers = { Host: host, Upgrade: protocol, Connection: 'Upgrade, close' }
      assert.match(await talk(url, requestText(method, path, headers)), new RegExp(`^HTTP/1\\.1 ${status} `))
    },
  })),
)

const odd: HostileInput[] = [
  ['CONNECT', 'CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a head of 100 KB', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`],
  ['5,000 headers', `GET /api/health HTTP/1.1\r\nHost: localhost\r\n${'a: b\r\n'.repeat(5000)}\r\n`],
  ['two lengths', `POST ${JOBS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
  [
    'a length and chunks',
    `POST ${JOBS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  [
    'a chunk without end',
    `POST ${JOBS} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n`,
  ],
  ['a body without end and without a key', `POST ${JOBS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n`],
  ['an absolute target elsewhere', 'GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
  ['no host', 'GET / HTTP/1.1\r\n\r\n'],
  ['a host that is none', 'GET / HTTP/1.1\r\nHost: a b/c?\r\nConnection: close\r\n\r\n'],
  ['two hosts', 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n'],
  ['an expectation', 'GET /api/health HTTP/1.1\r\nHost: localhost\r\nExpect: 200-maybe\r\nConnection: close\r\n\r\n'],
  ['zeros', '\0'.repeat(10_000)],
].map(([what, text]) => ({
  name: `entry 1: ${what} is answered or closed, and the gateway answers others`,
  async attempt(target) {
    const raw = await openRaw(target.url, text)
    await Promise.race([raw.answered(), raw.ended()])
    raw.socket.destroy()
    await healthy(target)
  },
}))

const sockets: HostileInput[] = [
  {
    name: 'entry 1: 300 connections that say nothing, or half a head, keep nobody out',
    async attempt(target) {
      const texts = [
        '',
        'G',
        'GET / HTTP/1.1\r\nHost: lo',
        requestText('GET', '/', { Upgrade: 'h2c', Connection: 'Upgrade' }),
      ]
      const open: Raw[] = []
      for (let i = 0; i < 300; i += 1) open.push(await openRaw(target.url, texts[i % texts.length]))
      await healthy(target)
      for (const { socket } of open) socket.destroy()
    },
  },
  {
    name: 'bounds: 3,000 requests asked ahead over each of 8 connections',
    async attempt(target) {
      const text = requestText('GET', '/api/health').repeat(3_000)
      const open = await Promise.all(Array.from({ length: 8 }, async () => await openRaw(target.url, text)))
      for (const one of open) {
        const answers = (await one.ended()).match(/HTTP\/1\.1 /g) ?? []
        assert.ok(answers.length <= 8, `${answers.length} answers`)
      }
      await healthy(target)
    },
  },
  {
    name: 'bounds: 1,500 connections that ask at the same moment',
    async attempt(target) {
      const open = await Promise.all(Array.from({ length: 1_500 }, async () => await openRaw(target.url)))
      for (const { send } of open) send(requestText('GET', JOBS, { Connection: 'close' }))
      await Promise.all(open.map(async (one) => await one.ended()))
      await healthy(target)
    },
  },
  {
    name: 'entry 3: 1,000 event streams of one key: those beyond are refused with the reason, and jobs are read and run all the same',
    async attempt({ url, bob, alice, image }) {
      const headers = { Authorization: `Bearer ${bob.key}`, Accept: 'text/event-stream' }
      const over = new AbortController()
      const open = await inTurns(
        1000,
        async () => await fetch(`${url}/api/plugin-core/events`, { headers, signal: over.signal }),
      )
      const refused = open.filter(({ status }) => status === 429)
      assert.ok(refused.length >= 744 && refused.length < 1000, `${refused.length} refused`)
      assert.match((await refused[0]?.text()) ?? '', /RATE_LIMIT_EXCEEDED.*event streams and sockets/)
      assert.equal((await bob.api.call('GET', '/jobs')).status, 200)
      const job = await alice.api.submit({ image, command: ['true'] })
      assert.equal((await alice.api.ended(job)).status, 'completed')
      over.abort()
      await until(async () => {
        const again = new AbortController()
        const { status } = await fetch(`${url}/api/plugin-core/events`, { headers, signal: again.signal })
        again.abort()
        return status === 200
      })
    },
  },
  {
    name: 'entry 3: HEAD of streams opens none',
    async attempt({ url, alice }) {
      const headers = { Authorization: `Bearer ${alice.key}`, Accept: 'text/event-stream' }
      for (let i = 0; i < 300; i += 1) {
        assert.equal((await fetch(`${url}/api/plugin-core/events`, { method: 'HEAD', headers })).status, 200)
      }
      const over = new AbortController()
      const { status } = await fetch(`${url}/api/plugin-core/events`, { headers, signal: over.signal })
      over.abort()
      assert.equal(status, 200)
    },
  },
  ...['', '?tail=1000000000', '?since=1970-01-01T00:00:00Z'].map((query) => ({
    name: `entry 3: 30 readers at once of logs${query}, events, bids, metrics and lists`,
    async attempt({ url, reader, endedJob }: AttackTarget) {
      const headers = { Authorization: `Bearer ${reader.key}` }
      const paths = [
        `/${endedJob}/logs${query}`,
        `/${endedJob}/events`,
        `/${endedJob}/bids`,
        `/${endedJob}/metrics?period=7d&resolution=5s`,
        '?limit=100&fields=id,config',
      ]
      let read = 0
      for (const path of paths) {
        const some = Array.from({ length: 30 }, async () => await fetch(`${url}${JOBS}${path}`, { headers }))
        for (const response of await Promise.all(some)) {
          assert.ok([200, 429].includes(response.status), String(response.status))
          const { success, error } = (await response.json()) as { success: boolean; error?: { code: string } }
          assert.ok(success || error?.code === 'RATE_LIMIT_EXCEEDED')
          if (success) read += 1
        }
      }
      assert.ok(read > 0)
    },
  })),
  {
    name: 'entry 18: 1,000 wrong keys over /ws are told to wait, and a right one gets in meanwhile',
    async attempt({ url, alice, admin }) {
      const say = async (token: string): Promise<string> =>
        await new Promise((resolve) => {
          const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`)
          socket.addEventListener('open', () => socket.send(JSON.stringify({ type: 'auth', token })))
          socket.addEventListener('message', ({ data }) => {
            const message = JSON.parse(String(data))
            resolve(message.error?.code ?? message.type)
            socket.close()
          })
          socket.addEventListener('error', () => resolve('error'))
        })
      const guesses = inTurns(1000, async (i) => await say(`guess ${i}`))
      assert.equal(await say(alice.key), 'authenticated')
      const answers = await guesses
      const looked = answers.filter((answer) => answer === 'UNAUTHORIZED').length
      assert.ok(looked <= 40, `${looked} of 1,000 were looked at`) // twenty a minute
      assert.equal(await say(alice.key), 'authenticated')
      assert.equal((await admin.api.call('GET', '/jobs')).status, 200)
    },
  },
  {
    name: 'entry 18: 1,000 wrong keys by HTTP are told to wait, and right ones get in meanwhile',
    async attempt({ url, alice, admin }) {
      const ask = async (key: string): Promise<number> =>
        (await fetch(`${url}${JOBS}`, { headers: { Authorization: `Bearer ${key}` } })).status
      const guesses = inTurns(1000, async (i) => await ask(`guess-${i}`))
      assert.equal(await ask(alice.key), 200)
      assert.equal(await ask(admin.key), 200)
      const looked = (await guesses).filter((status) => status === 401).length
      assert.ok(looked <= 40, `${looked} of 1,000 were looked at`) // twenty a minute
    },
  },
]

/** Bodies that are refused for what they hold, before anything is made of it. */
const many = (text: string, times: number): string => text.repeat(times)
const BODIES: [what: string, body: string][] = [
  ['half a million numbers', `{"args":[${many('0,', 500_000)}0]}`],
  ['half a million lists in each other', many('[', 500_000)],
  ['objects in objects', many('{"a":', 150_000)],
  ['100,000 fields', `{${Array.from({ length: 80_000 }, (_, i) => `"f${i}":0`).join(',')}}`],
  ['text of 1 MB for an image', `{"image":"${many('a', 1_000_000)}"}`],
  ['text of 1 MB that looks like an image', `{"image":"${many('a-_.', 250_000)}"}`],
  ['a path of 1 MB', `{"image":"a","outputs":"${many('/a', 500_000)}"}`],
  ['a label of 1 MB', `{"image":"a","labels":{"${many('a.', 400_000)}":"b"}}`],
  ['15,000 wrong ports', `{"image":"a","ports":[${many('{"port":0},', 7_000)}{"port":0}]}`],
  ['15,000 equal ports', `{"image":"a","ports":[${many('{"port":1},', 7_000)}{"port":1}]}`],
  ['15,000 wrong arguments', `{"image":"a","args":[${many('0,', 15_000)}0]}`],
  ['2 MB', `{"image":"a","args":["${many('a', 2_000_000)}"]}`],
  ['nothing', ''],
  ['no JSON', '{'],
]
const bodies: HostileInput[] = [
  '',
  '?dryRun=true',
  '/ID/resubmit',
  '/ID/extend',
  '/ID/exec',
  '/../jobs/templates',
].flatMap((path) =>
  BODIES.map(([what, body]) => ({
    name: `bounds: POST /jobs${path} with ${what}`,
    async attempt({ url, alice, endedJob }) {
      const headers = { Authorization: `Bearer ${alice.key}`, 'Content-Type': 'application/json' }
      const response = await fetch(`${url}${JOBS}${path.replace('ID', endedJob)}`, { method: 'POST', headers, body })
      const isEmptyOne = body === '' && path.endsWith('/resubmit')
      assert.ok(
        isEmptyOne ? response.status === 201 : [400, 404, 409, 413].includes(response.status),
        String(response.status),
      )
      const { data } = (await response.json()) as { data?: { id: string } }
      if (isEmptyOne)
        await fetch(`${url}${JOBS}/${data?.id}/cancel`, {
          method: 'POST',
          headers: { Authorization: headers.Authorization },
        })
    },
  })),
)

/** What a proxy on the same machine passes on. */
const proxied: HostileInput[] = ['X-Forwarded-For', 'X-Real-IP', 'Via', 'Forwarded'].map((name) => ({
  name: `GET /metrics with ${name}`,
  async attempt({ url }) {
    const response = await fetch(`${url}/metrics`, { headers: { [name]: '203.0.113.9' } })
    assert.equal(response.status, 401)
    await response.body?.cancel()
  },
}))

export const inputs: HostileInput[] = [...proxied, ...upgrades, ...odd, ...sockets, ...bodies]
