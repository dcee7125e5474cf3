/** The guard: `guard-process FILE HOLDER DOCKER_HOST`; see `guard.ts`. Ends when there is nothing left to guard. */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type RequestOptions, request } from 'node:http'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../node/clock.ts'
import { elapsedSince, momentNow } from '../../node/moment.ts'
import { processOf } from '../../node/process-of.ts'
import { engineAddress } from '../engine/address.ts'
import { type GuardFile, stampPath } from './guard-file.ts'

const LOOK_MS = 500
const KILL_TIMEOUT_MS = 5_000

const [path = '', holder = '', dockerHost = ''] = process.argv.slice(2)
const engine: RequestOptions = engineAddress(dockerHost)
let last: GuardFile | null = null

for (;;) {
  const file = await read()
  if (file.holder !== holder) break
  const overdue = Object.entries(file.ends).filter(([, end]) => elapsedSince(systemClock, end) > 0)
  const gone = await Promise.all(overdue.map(async ([name]) => await kill(name)))
  const left = Object.keys(file.ends).length - gone.filter(Boolean).length
  // Another user's is not the agent, which is of this one's.
  if (left === 0 && processOf(file.agentPid) !== 'own') break
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
  // Before its end, which whoever waits for the container hears of at once.
  const isFirst = await stamp(name)
  const answer = await askToKill(name)
  // What is asked of an engine that does not answer in time may be done all the same.
  if (isFirst && answer !== 'killed' && answer !== 'late') await rm(stampPath(path, name), { force: true })
  return answer === 'none'
}

/** Writes down that the container is ended now, where that is not there yet. */
async function stamp(name: string): Promise<boolean> {
  const file = stampPath(path, name)
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(file, JSON.stringify(momentNow(systemClock)), { flag: 'wx', mode: 0o600 })
    return true
  } catch {
    return false // it is there, or the disk is full: a container that must end is ended without
  }
}

async function askToKill(name: string): Promise<'killed' | 'none' | 'late' | 'away'> {
  return await new Promise((resolve) => {
    const options = { ...engine, method: 'POST', path: `/containers/${encodeURIComponent(name)}/kill` }
    const asked = request({ ...options, timeout: KILL_TIMEOUT_MS }, (response) => {
      const { statusCode = 0 } = response
      response.resume()
      // There is none, or it does not run.
      if (statusCode === 404 || statusCode === 409) resolve('none')
      else resolve(statusCode < 300 ? 'killed' : 'away')
    })
    asked.on('timeout', () => {
      resolve('late')
      asked.destroy()
    })
    // Asked again at the next look.
    asked.on('error', () => resolve('away'))
    asked.end()
  })
}
