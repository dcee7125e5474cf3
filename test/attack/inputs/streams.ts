/** Sockets of event streams that are told what they do not understand, and output that is no text. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import WebSocket from 'ws'
import type { AttackTarget, HostileInput } from '../support/inputs.ts'

const OPEN = { type: 'open', stream: 1, path: '/api/plugin-core/events' }

/** Sends messages over one socket; answers the code with which the gateway closed it. */
async function closedWith(
  { url, alice }: AttackTarget,
  messages: (string | Buffer)[],
  path = '/api/plugin-core/streams',
): Promise<number> {
  const headers = { authorization: `Bearer ${alice.key}` }
  const socket = await openSocket(`${url.replace('http', 'ws')}${path}`, headers)
  const closed = once(socket, 'close')
  for (const message of messages) socket.send(message)
  const [code] = await closed
  return code as number
}

/** Again where it was too slow to ask, as it may be beside all the others. */
async function openSocket(url: string, headers: Record<string, string>, tries = 3): Promise<WebSocket> {
  const socket = new WebSocket(url, { headers })
  try {
    await once(socket, 'open')
    return socket
  } catch (error) {
    if (tries === 1 || !/ 408$/.test((error as Error).message)) throw error
    return await openSocket(url, headers, tries - 1)
  }
}

/** Each is refused by closing the socket, and the gateway goes on. */
const REFUSED: [what: string, messages: (string | Buffer)[]][] = [
  ['no JSON', ['hello']],
  ['JSON that is no message', ['null']],
  ['a list', ['[]']],
  ['another type', ['{"type":"constructor"}']],
  ['binary', [Buffer.alloc(100)]],
  ['longer than a message may be', ['x'.repeat(17 * 1024)]],
  ['a megabyte', [Buffer.alloc(1024 * 1024)]],
  ['a stream twice', [JSON.stringify(OPEN), JSON.stringify(OPEN)]],
  ['a hundred streams', Array.from({ length: 100 }, (_, i) => JSON.stringify({ ...OPEN, stream: i + 1 }))],
  ['a stream without a number', [JSON.stringify({ ...OPEN, stream: 0 })]],
  ['a stream of a number too large', [JSON.stringify({ ...OPEN, stream: 2 ** 32 })]],
  ['another path of the API', [JSON.stringify({ ...OPEN, path: '/api/plugin-core/jobs' })]],
  ['a path that climbs', [JSON.stringify({ ...OPEN, path: '/api/plugin-core/jobs/../../auth/keys' })]],
  ['another host', [JSON.stringify({ ...OPEN, path: '//169.254.169.254/api/plugin-core/events' })]],
  ['a whole URL', [JSON.stringify({ ...OPEN, path: 'http://127.0.0.1/api/plugin-core/events' })]],
  ['into a container', [JSON.stringify({ ...OPEN, path: '/api/plugin-core/jobs/job_1/proxy/80/events' })]],
  ['a line break in the path', [JSON.stringify({ ...OPEN, path: '/api/plugin-core/events\r\nX: 1' })]],
  ['a place that is far too long', [JSON.stringify({ ...OPEN, lastEventId: '9'.repeat(1_000) })]],
  ['taken bytes below nothing', [JSON.stringify({ type: 'took', stream: 1, bytes: -1 })]],
  ['fields that nobody knows', [JSON.stringify({ ...OPEN, headers: { authorization: 'Bearer x' } })]],
]

/** Output that is no text, long, or looks like what carries it; what comes back is what was written. */
const OUTPUTS: [what: string, script: string, expected: Buffer][] = [
  ['bytes that are no UTF-8', "printf '\\377\\376\\r\\n\\303'", Buffer.from([0xff, 0xfe, 13, 10, 0xc3])],
  ['an event of its own', "printf 'data: {}\\n\\nid: 9\\n'", Buffer.from('data: {}\n\nid: 9\n')],
  [
    'zeros, and no end of line',
    "head -c 70000 /dev/zero; printf '\\n'; head -c 20000 /dev/zero",
    Buffer.concat([Buffer.alloc(70_000), Buffer.from('\n'), Buffer.alloc(20_000)]),
  ],
]

async function outputOf({ alice, image, url }: AttackTarget, script: string): Promise<Buffer> {
  const spec = { image, command: ['sh', '-c', script], network: 'none', cpu: 100, memory: '32Mi', duration: 60 }
  const id = await alice.api.submit(spec)
  const headers = { authorization: `Bearer ${alice.key}`, accept: 'text/event-stream' }
  const text = await (await fetch(`${url}/api/plugin-core/jobs/${id}/logs`, { headers })).text()
  const lines = [...text.matchAll(/^data: (\{.*"line".*\})$/gm)].map(([, line = '']) => JSON.parse(line))
  const pieces = lines.map(({ line, base64, partial }) => [
    base64 === undefined ? Buffer.from(line) : Buffer.from(base64, 'base64'),
    Buffer.from(partial === true ? '' : '\n'),
  ])
  return Buffer.concat(pieces.flat())
}

export const inputs: HostileInput[] = [
  ...REFUSED.map(([what, messages]) => ({
    name: `entry 46: a socket of streams is told ${what}`,
    attempt: async (target: AttackTarget) => {
      const code = await closedWith(target, messages)
      assert.ok([1008, 1009].includes(code), `closed with ${code}`)
      assert.equal((await fetch(`${target.url}/api/health`)).status, 200)
    },
  })),
  ...OUTPUTS.map(([what, script, expected]) => ({
    name: `entry 39: output with ${what}`,
    attempt: async (target: AttackTarget) => {
      const output = await outputOf(target, script)
      assert.ok(output.equals(expected), `${output.length} bytes: ${output.subarray(0, 40).toString('latin1')}`)
    },
  })),
]
