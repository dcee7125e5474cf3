import { type Clock, sleepUntilWoken } from '../../node/clock.ts'
import { breathe } from '../../node/turns.ts'
import { readCron } from '../contract/cron.ts'
import type { RunRecord, ScheduleRecord } from './schedule-store.ts'
import { createTickRuns, type TickRunComponents } from './tick-runs.ts'

/** The longest sleep, in ms: a clock that was set is noticed this soon. */
const MAX_SLEEP_MS = 60_000
/** A tick this late is still on time, in ms: the machine was busy, not down. */
const ON_TIME_MS = 60_000
/** Ticks counted as missed one by one; beyond it they are only said to be many. */
const MAX_COUNTED = 1000

/** Submits a job for each tick that is due, once, over crashes and restarts. */
export interface Scheduler {
  /** Looks again: a schedule was made or changed. */
  wake(): void
  /** Deals with what is due now; answers the next moment at which something is. */
  tick(): Promise<number | null>
  /** Ticks until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
}

/** What {@link createScheduler} works with. */
export interface SchedulerComponents extends TickRunComponents {
  clock: Clock
}

/** Does nothing by itself before its `run`. */
export function createScheduler(components: SchedulerComponents): Scheduler {
  const { schedules, clock, logger } = components
  const { runTick, note } = createTickRuns(components)
  let sleeping = new AbortController()

  /** Deals with the due ticks of one schedule; answers its next one. */
  async function handle(stored: ScheduleRecord): Promise<number | null> {
    const nowMs = clock.nowMs()
    const schedule = await withinTime(stored, nowMs)
    const ticks = readCron(schedule.schedule, schedule.timezone)
    const due = await dueTicks(ticks.next, schedule.handledMs, nowMs)
    const last = due.at(-1)
    if (last !== undefined) {
      const runs = last >= nowMs - ON_TIME_MS || schedule.catchUp
      const missed = runs ? due.length - 1 : due.length
      if (missed > 0) await note(schedule.id, missedRun(due[missed - 1] ?? last, missed))
      if (runs) await runTick(schedule.id, last)
      await schedules.update(schedule.id, () => ({ handledMs: last, submittingMs: null }))
    }
    return ticks.next(Math.max(nowMs, last ?? 0))
  }

  /** The schedule, its ticks begun anew from now where the clock was set back: they lie ahead only by a clock that was wrong. */
  async function withinTime(schedule: ScheduleRecord, nowMs: number): Promise<ScheduleRecord> {
    if (schedule.handledMs - nowMs <= ON_TIME_MS) return schedule
    logger.warn({ scheduleId: schedule.id }, 'the clock was set back: the schedule goes on from now')
    const changed = await schedules.update(schedule.id, ({ timesSetBack = 0 }) => {
      return { handledMs: nowMs, submittingMs: null, timesSetBack: timesSetBack + 1 }
    })
    return changed ?? schedule
  }

  async function tick(): Promise<number | null> {
    let nextMs: number | null = null
    for await (const schedule of schedules.all()) {
      if (!schedule.enabled) continue
      await breathe()
      const own = await handle(schedule)
      if (own !== null && (nextMs === null || own < nextMs)) nextMs = own
    }
    return nextMs
  }

  return {
    wake: () => sleeping.abort(),
    tick,
    async run(signal) {
      while (!signal.aborted) {
        sleeping = new AbortController()
        const nextMs = await tick()
        const waitMs = nextMs === null ? MAX_SLEEP_MS : Math.min(MAX_SLEEP_MS, Math.max(0, nextMs - clock.nowMs()))
        // Woken or stopped: either way the loop looks again.
        await sleepUntilWoken(clock, waitMs, sleeping.signal, signal).catch(() => {})
      }
    },
  }
}

/** Ticks after `handledMs` and up to now, oldest first; of very many only the last few. */
async function dueTicks(next: (afterMs: number) => number | null, handledMs: number, nowMs: number): Promise<number[]> {
  const due: number[] = []
  let at = handledMs
  for (;;) {
    await breathe()
    const tickMs = next(at)
    if (tickMs === null || tickMs > nowMs) return due
    due.push(tickMs)
    at = tickMs
    if (due.length >= MAX_COUNTED) at = Math.max(at, skipTo(nowMs))
  }
}

/** Where counting goes on once there are too many: shortly before now. */
function skipTo(nowMs: number): number {
  return nowMs - ON_TIME_MS
}

function missedRun(tickMs: number, count: number): RunRecord {
  const reason = count === 1 ? 'the gateway was down' : `${count} ticks: the gateway was down`
  return { tickMs, outcome: 'missed', jobId: null, reason }
}
