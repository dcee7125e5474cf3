/** `cortex run`, one after the other: each job straight from a client, which may be killed, stopped and paused. */

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isTerminal } from '../../protocol/lifecycle.ts'
import type { Expected } from '../../test/faults/support/checker.ts'
import { jobsIn } from '../../test/faults/support/jobs-in.ts'
import type { Seeded } from '../../test/faults/support/seeded.ts'
import type { ManagedProcess } from '../local-network.ts'
import { CLIENTS, type World } from './world.ts'

const LINES = 15
/** Runs that nothing befalls may be needed so often at most, until what killed ones left is settled. */
const LAST_RUNS = 20

export interface ClientSlot {
  readonly name: string
  /** Whether there was one to befall; the next one begins after `ms`. */
  end(signal: 'SIGKILL' | 'SIGTERM', ms: number): Promise<boolean>
  pause(ms: number): Promise<boolean>
  /** Runs until the signal aborts; the last one ends by itself. */
  runOn(over: AbortSignal): Promise<void>
}

export function createClients(world: World, random: Seeded, onJob: () => void): ClientSlot[] {
  return CLIENTS.map((name) => createSlot(world, name, random, onJob))
}

function createSlot(world: World, name: string, random: Seeded, onJob: () => void): ClientSlot {
  let current: ManagedProcess | null = null
  let heldUpMs = 0
  return {
    name,
    async end(signal, ms) {
      if (current?.running !== true) return false
      heldUpMs = ms
      await current.end(signal)
      return true
    },
    async pause(ms) {
      const { pid = 0, running = false } = current ?? {}
      if (!running) return false
      process.kill(pid, 'SIGSTOP')
      await delay(ms)
      process.kill(pid, 'SIGCONT')
      return true
    },
    async runOn(over) {
      while (!over.aborted) {
        current = start(world, name, 20 + random.below(200))
        onJob()
        await current.ended()
        await delay(heldUpMs)
        heldUpMs = 0
      }
    },
  }
}

function start({ market, launch }: World, name: string, everyMs: number): ManagedProcess {
  const { job } = market.count(LINES, everyMs)
  const size = ['--cpu', '50', '--memory', '16Mi', '--storage', '16Mi', '--duration', '300', '--queue-timeout', '600']
  return market.client(name, [...size, job.image, '--', 'sh', '-c', ...(job.args ?? [])], launch(name))
}

/**
 * Runs more of them where nothing befalls them, until every job of theirs has ended and every attempt of theirs that was
 * lost is settled. Answers where, and which.
 */
export async function settleClients(world: World): Promise<{ requesters: string[]; expected: Expected[] }> {
  const requesters = CLIENTS.map((_, i) => join(world.market.network.folder, 'client', String(i)))
  for (let runs = 0; runs < LAST_RUNS; runs += 1) {
    const last = CLIENTS.map((name) => start(world, name, 20))
    await Promise.all(last.map(async (each) => await each.ended()))
    const jobs = (await Promise.all(requesters.map(jobsIn))).flat()
    if (jobs.every(({ status, isSettled }) => isTerminal(status) && isSettled)) break
  }
  const ids = (await Promise.all(requesters.map(jobsIn))).flat()
  return { requesters, expected: ids.map(({ id }) => ({ id, lines: LINES })) }
}
