/**
 * How long a container ran: by this agent's monotonic clock from when it heard of the start to when it heard of the end,
 * and by the engine's clock from the start to the end. Only spans of one clock are compared, never a time of one clock with
 * a time of another: they may be an hour apart.
 */

import type { Clock } from '../../node/clock.ts'
import { elapsedSince, type Moment, spanBetween } from '../../node/moment.ts'
import { isGone } from '../engine/errors.ts'
import type { ContainerEngine, ContainerExit } from '../engine/index.ts'
import type { LeaseRecord } from '../journal/records.ts'
import { endedFromOutside } from './ended-outside.ts'
import type { Lease } from './lease.ts'
import type { MeterStart } from './meter.ts'

/** How far the two may be apart over a job without anybody setting the engine's clock, in ms. */
const CLOCK_TOLERANCE_MS = 2_000
/** How far they may be apart, in ms, before the engine's counts. */
const LATE_MS = 500

/** What {@link meterStart} works with. */
export interface MeterComponents {
  engine: Pick<ContainerEngine, 'nowMs'>
  clock: Clock
}

/**
 * Right after the engine said that it runs. A start that took long may have begun to run at once, but not before the
 * requester was last told that it does not run: nobody would pay for that. Of one that an earlier process of this agent
 * started and never heard of, the engine says how long ago that was; it was after the award.
 *
 * @param how.isOlder whether it ran before this process asked for it
 * @param how.askedMs when it was first asked to run; monotonic, ms
 */
export async function meterStart(
  { engine, clock }: MeterComponents,
  lease: Pick<Lease, 'record' | 'progress' | 'idleMs'>,
  how: { isOlder: boolean; askedMs: number; startedAtMs: number },
  signal: AbortSignal,
): Promise<MeterStart> {
  const { runningSince, meteredMs, unheardMs = 0 } = lease.progress
  if (runningSince !== null) return { meteredMs: Math.max(meteredMs, elapsedSince(clock, runningSince)), unheardMs }
  if (!how.isOlder) return { meteredMs: 0, unheardMs: clock.monotonicMs() - Math.max(how.askedMs, lease.idleMs) }
  const agoMs = (await engine.nowMs({ signal })) - how.startedAtMs
  const mostMs = elapsedSince(clock, acceptedAt(lease.record))
  const ranMs = Math.max(0, Math.min(agoMs, mostMs))
  return { meteredMs: ranMs, unheardMs: mostMs - ranMs }
}

function acceptedAt({ acceptedAt, acceptedAtMs }: LeaseRecord): Moment {
  return acceptedAt ?? { wallMs: acceptedAtMs, sinceBoot: null }
}

/**
 * What the meter shows, unless the engine's span says something else: an agent that was held up, with its machine asleep or
 * busy, hears of a start or an end long after it. Where the engine's clock was set back meanwhile, its span is of no use: then an
 * end that nobody saw is billed only as far as somebody saw the container run; the guard, which ended it, has seen it, too.
 *
 * @param how.guardedAt when the guard ended it; null where it did not
 */
export async function meterEnd(
  engine: MeterComponents['engine'],
  { meter, progress }: Pick<Lease, 'meter' | 'progress'>,
  exit: ContainerExit,
  { isUnseen, guardedAt }: { isUnseen: boolean; guardedAt: Moment | null },
  signal: AbortSignal,
): Promise<void> {
  const { runningSince, unheardMs = 0 } = progress
  const shownMs = meter.read()
  const byEngineMs = Math.max(0, Math.min(exit.finishedAtMs - exit.startedAtMs, shownMs + unheardMs))
  const guardedMs = guardedAt === null || runningSince === null ? 0 : spanBetween(runningSince, guardedAt)
  const sureMs = Math.max(meter.sure(), Math.min(guardedMs, shownMs))
  // What an engine did not let end well is of no use for the time that nobody saw it.
  if (isUnseen && endedFromOutside(exit, isUnseen)) return void meter.stop(Math.min(byEngineMs, sureMs))
  if (!isUnseen && Math.abs(shownMs - byEngineMs) <= LATE_MS) return void meter.stop(shownMs)
  // Nothing beyond it is told while the engine is asked.
  meter.stop(byEngineMs)
  const engineMs = await engineNow(engine, signal)
  if (engineMs === null) return
  // It was read after the meter, however late it is heard. One that was set ahead claims no more than went by here.
  if (engineMs - exit.startedAtMs >= shownMs - CLOCK_TOLERANCE_MS) return
  meter.stop(isUnseen ? Math.max(sureMs, Math.min(byEngineMs, shownMs)) : shownMs)
}

/** Null where it has gone away meanwhile. */
async function engineNow(engine: MeterComponents['engine'], signal: AbortSignal): Promise<number | null> {
  try {
    return await engine.nowMs({ signal })
  } catch (error) {
    if (isGone(error)) return null
    throw error
  }
}
