/** The guard: `guard-process FILE HOLDER DOCKER_HOST`; see `guard.ts`. Ends when there is nothing left to guard. */

import { readFile } from 'node:fs/promises'
import { type RequestOptions, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../node/clock.ts'
import { elapsedSince } from '../../node/moment.ts'
import type { GuardFile } from './guard-file.ts'

const LOOK_MS = 500
const KILL_TIMEOUT_MS = 5_000

const [path = '', holder = '', dockerHost = ''] = process.argv.slice(2)
const engine = engineOf(dockerHost)
let last: GuardFile | null = null

for (;;) {
  const file = await read()
  if (file.holder !== holder) break
  const overdue = Object.entries(file.ends).filter(([, end]) => elapsedSince(systemClock, end) > 0)
  const gone = await Promise.all(overdue.map(async ([name]) => await kill(name)))
  const left = Object.keys(file.ends).length - gone.filter(Boolean).length
  if (left === 0 && !isAlive(file.agentPid)) break
  await delay(LOOK_MS)
}

/** Where it cannot be read, what it said last holds. */
async function read(): Promise<GuardFile> {
  try {
    last = JSON.parse(await readFile(path, 'utf8')) as GuardFile
  } catch (error) {
    if (last === null) throw error
  }
  return last
}

/** Whether no such container runs any more. An agent that is held up may start it later, so it is asked again. */
async function kill(name: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const options = { ...engine, method: 'POST', path: `/containers/${encodeURIComponent(name)}/kill` }
    const asked = request({ ...options, timeout: KILL_TIMEOUT_MS }, (response) => {
      response.resume()
      // There is none, or it does not run.
      resolve(response.statusCode === 404 || response.statusCode === 409)
    })
    asked.on('timeout', () => asked.destroy(new Error('The engine does not answer')))
    // Asked again at the next look.
    asked.on('error', () => resolve(false))
    asked.end()
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false // ended; or another user's by now, and so not the agent
  }
}

function engineOf(host: string): RequestOptions {
  if (host === '') return { socketPath: '/var/run/docker.sock' }
  const url = new URL(host)
  if (url.protocol === 'unix:') return { socketPath: url.pathname }
  return { host: url.hostname, port: url.port === '' ? 2375 : Number(url.port) }
}
