/** What `bench/reach.ts` does with a port, whatever leads to it. */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { connect, type Socket } from 'node:net'
import { promisify } from 'node:util'

/** Where a TCP port is reached from here. */
export interface Place {
  host: string
  port: number
}

const PIECE = Buffer.alloc(64 * 1024, 'x')

/** How long it takes until a port has read so many bytes, in seconds; it says at the end how many it had. */
export async function secondsToSend(place: Place, bytes: number): Promise<number> {
  const socket = await connected(place)
  const begun = performance.now()
  const said = readAll(socket)
  for (let left = bytes; left > 0; left -= PIECE.length) {
    if (!socket.write(PIECE.subarray(0, left))) await once(socket, 'drain')
  }
  socket.end()
  const { text } = await said
  if (Number(text) !== bytes) throw new Error(`${bytes} bytes were sent, and ${text.trim()} read`)
  return (performance.now() - begun) / 1000
}

/** How long it takes until so many bytes were read from a port that is asked for them, in seconds. */
export async function secondsToRead(place: Place, bytes: number): Promise<number> {
  const socket = await connected(place)
  const begun = performance.now()
  socket.write(`${bytes}\n`)
  const read = await readAll(socket)
  socket.end()
  if (read.bytes !== bytes) throw new Error(`${bytes} bytes were asked for, and ${read.bytes} came`)
  return (performance.now() - begun) / 1000
}

/** How long each of so many new connections takes until a byte has come back, one after the other, in ms. */
export async function connectMs(place: Place, count: number): Promise<number[]> {
  const all: number[] = []
  for (let i = 0; i < count; i += 1) {
    const begun = performance.now()
    const socket = connect({ ...place, noDelay: true })
    socket.write('x')
    await once(socket, 'data')
    all.push(performance.now() - begun)
    socket.destroy()
  }
  return all
}

/** Requests a second of so many clients at once, each with a connection that is kept, for so many seconds. */
export async function requestsPerSecond(
  { url, host, ...headers }: { url: string; host?: string; authorization?: string },
  { clients, seconds }: { clients: number; seconds: number },
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients })
  const named = host === undefined ? headers : { ...headers, host }
  const ask = (): Promise<void> =>
    new Promise((resolve, reject) => {
      get(url, { agent, headers: named }, (response) => {
        response.resume()
        response.once('error', reject)
        response.once('end', () =>
          response.statusCode === 200 ? resolve() : reject(new Error(`${url} was answered ${response.statusCode}`)),
        )
      }).once('error', reject)
    })
  try {
    await Promise.all(Array.from({ length: clients }, ask))
    const begun = performance.now()
    let count = 0
    const isOver = (): boolean => performance.now() - begun > seconds * 1000
    await Promise.all(
      Array.from({ length: clients }, async () => {
        for (; !isOver(); count += 1) await ask()
      }),
    )
    return count / ((performance.now() - begun) / 1000)
  } finally {
    agent.destroy()
  }
}

/** Where pgbench works: whoever starts it has none of their own name. */
export const DATABASE = 'postgres'

/** Transactions a second of pgbench's own reading ones. */
export async function transactionsPerSecond({ host, port }: Place, seconds: number): Promise<number> {
  const at = ['-h', host, '-p', String(port), '-U', 'postgres']
  const { stdout } = await promisify(execFile)('pgbench', [
    ...at,
    '-S',
    '-n',
    '-c',
    '4',
    '-T',
    String(seconds),
    DATABASE,
  ])
  const [, tps] = /^tps = ([\d.]+)/m.exec(stdout) ?? []
  if (tps === undefined) throw new Error(`pgbench says:\n${stdout}`)
  return Number(tps)
}

/** How long a program takes that reads so many bytes, or writes them, in seconds. */
export async function secondsOf(program: string, args: string[], inputBytes: number): Promise<number> {
  const begun = performance.now()
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => undefined) // it ended first, and says so
  child.stdout.resume()
  const ended = once(child, 'close')
  for (let left = inputBytes; left > 0; left -= PIECE.length) {
    if (!child.stdin.write(PIECE.subarray(0, left))) await Promise.race([once(child.stdin, 'drain'), ended])
  }
  child.stdin.end()
  const [code] = await ended
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`)
  return (performance.now() - begun) / 1000
}

async function connected(place: Place): Promise<Socket> {
  const socket = connect({ ...place, noDelay: true, allowHalfOpen: true })
  await once(socket, 'connect')
  return socket
}

/** All that comes until the end: how much, and its first bytes as text. */
async function readAll(socket: Socket): Promise<{ bytes: number; text: string }> {
  let [bytes, text] = [0, '']
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    if (bytes === 0) text = (chunk as Buffer).toString('latin1', 0, 32)
    bytes += (chunk as Buffer).length
  }
  return { bytes, text }
}
