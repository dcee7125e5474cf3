/**
 * Clients that follow one job's output, on a thread of their own, so that they and the gateway each have a core. Told in
 * `workerData` what to follow and how; answers what each was given.
 */

import { get, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

export interface FollowersTask {
  url: string
  key: string
  /** Clients that read as fast as they can. */
  quick: number
  /** Clients that stop reading for a while after each piece. */
  slow: number
  /** Clients that hang up every second, and resume. */
  restless: number
}

export interface Followed {
  kind: 'quick' | 'slow' | 'restless'
  /** Number of the last line; every one before it came once, and in order, where `problem` is null. */
  last: number
  /** Connections that it took. */
  connections: number
  problem: string | null
}

const EVENT = /^id: (\d+)\ndata: .*?"line":"line (\d+)"/gm

const { url, key, quick, slow, restless } = workerData as FollowersTask
const kinds: Followed['kind'][] = [
  ...Array.from({ length: quick }, () => 'quick' as const),
  ...Array.from({ length: slow }, () => 'slow' as const),
  ...Array.from({ length: restless }, () => 'restless' as const),
]
parentPort?.postMessage(await Promise.all(kinds.map(follow)))

async function follow(kind: Followed['kind']): Promise<Followed> {
  const followed: Followed = { kind, last: 0, connections: 0, problem: null }
  for (let isOver = false; !isOver && followed.problem === null; ) {
    followed.connections += 1
    const response = await open(followed.last)
    const hangUp = kind === 'restless' ? setTimeout(() => response.destroy(), 1_000) : undefined
    isOver = await read(response, followed)
    clearTimeout(hangUp)
  }
  return followed
}

function open(after: number): Promise<IncomingMessage> {
  const headers = { Authorization: `Bearer ${key}`, Accept: 'text/event-stream', 'Last-Event-ID': String(after) }
  return new Promise((resolve, reject) => get(url, { headers, agent: false }, resolve).once('error', reject))
}

/** Reads to the end of the stream, or to where it breaks. Answers whether the job's output was over. */
async function read(response: IncomingMessage, followed: Followed): Promise<boolean> {
  let rest = ''
  try {
    for await (const piece of response.setEncoding('utf8') as AsyncIterable<string>) {
      const text = rest + piece
      const whole = text.lastIndexOf('\n\n')
      if (whole === -1) {
        rest = text
        continue
      }
      rest = text.slice(whole + 2)
      if (take(text.slice(0, whole + 2), followed)) return true
      if (followed.kind === 'slow') await delay(20)
    }
  } catch (error) {
    // Cut off, by itself or by the gateway: it resumes.
    if (!['ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String((error as { code?: string }).code))) throw error
  }
  return false
}

function take(text: string, followed: Followed): boolean {
  for (const [, id, line] of text.matchAll(EVENT)) {
    if (Number(id) !== followed.last + 1 || id !== line) {
      followed.problem ??= `line ${line} under number ${id} after ${followed.last}`
    }
    followed.last = Number(id)
  }
  return text.includes('\nevent: end\n')
}
