import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Moment, momentNow } from '../../../node/moment.ts'
import type { ContainerExit } from '../../../provider-agent/engine/index.ts'
import type { Lease } from '../../../provider-agent/lease/lease.ts'
import { createMeter } from '../../../provider-agent/lease/meter.ts'
import { meterEnd } from '../../../provider-agent/lease/metering.ts'
import { createSimClock } from '../../support/sim-clock.ts'

const HOUR_MS = 3_600_000
const { signal } = new AbortController()

interface How {
  guarded?: boolean
  /** How far the engine's clock is ahead of the agent's from the beginning. */
  aheadMs?: number
  /** How far clocks are set ahead while the container runs. */
  agentJumpMs?: number
  engineJumpMs?: number
  exit?: Partial<ContainerExit>
}

/** A container that ran for 20 s, of which its agent saw the first 4, was away then, and comes back after a minute. */
async function afterwards({ guarded = false, aheadMs = 0, agentJumpMs = 0, engineJumpMs = 0, exit: how = {} }: How) {
  const clock = createSimClock()
  let engineAheadMs = aheadMs
  const engine = { nowMs: async () => Date.UTC(2026, 0, 1) + clock.monotonicMs() + engineAheadMs }
  const runningSince = momentNow(clock)
  const startedAtMs = await engine.nowMs()
  await clock.advance(20_000)
  const guardedAt: Moment | null = guarded ? momentNow(clock) : null
  clock.jump(agentJumpMs)
  engineAheadMs += engineJumpMs
  const finishedAtMs = await engine.nowMs()
  await clock.advance(40_000)
  const meter = createMeter({ clock }, 4_000)
  meter.unseen()
  meter.start(60_000)
  const exit: ContainerExit = { exitCode: 137, oomKilled: false, startedAtMs, finishedAtMs, ...how }
  const lease = { meter, progress: { runningSince } } as Pick<Lease, 'meter' | 'progress'>
  await meterEnd(engine, lease, exit, { isUnseen: true, guardedAt }, signal)
  return meter.read()
}

interface HeldUp extends Pick<How, 'aheadMs' | 'agentJumpMs' | 'engineJumpMs'> {
  /** How long after its end that is heard of, and how long after it was asked the engine's time is. */
  lateMs: number
  timeLateMs?: number
}

/** One that ran for 5 s, all of it seen, by an agent that was held up then. */
async function heldUp({ lateMs, timeLateMs = 0, aheadMs = 0, agentJumpMs = 0, engineJumpMs = 0 }: HeldUp) {
  const clock = createSimClock()
  let engineAheadMs = aheadMs
  const engine = { nowMs: async () => Date.UTC(2026, 0, 1) + clock.monotonicMs() + engineAheadMs }
  const runningSince = momentNow(clock)
  const startedAtMs = await engine.nowMs()
  const meter = createMeter({ clock }, 0)
  meter.start(0)
  await clock.advance(5_000)
  clock.jump(agentJumpMs)
  engineAheadMs += engineJumpMs
  const exit: ContainerExit = { exitCode: 0, oomKilled: false, startedAtMs, finishedAtMs: await engine.nowMs() }
  await clock.advance(lateMs)
  const lease = { meter, progress: { runningSince } } as Pick<Lease, 'meter' | 'progress'>
  const late = {
    async nowMs() {
      const answer = await engine.nowMs()
      await clock.advance(timeLateMs)
      return answer
    },
  }
  await meterEnd(late, lease, exit, { isUnseen: false, guardedAt: null }, signal)
  return meter.read()
}

describe('what an end that no agent saw is billed to', () => {
  const own = { exit: { exitCode: 3 } }
  const early = { exit: { finishedAtMs: Date.UTC(2026, 0, 1) + 7_000 } }
  const cases: [name: string, how: How, ms: number][] = [
    ['is where somebody saw it run, for one that others ended', {}, 4_000],
    ['is where the guard ended it', { guarded: true }, 20_000],
    ['is where the guard ended it, with the engine an hour ahead', { guarded: true, aheadMs: HOUR_MS }, 20_000],
    ['is where the guard ended it, with the agent set ahead', { guarded: true, agentJumpMs: HOUR_MS }, 20_000],
    ['is where the guard ended it, with the agent set back', { guarded: true, agentJumpMs: -HOUR_MS }, 20_000],
    ['is no later than the engine says that it ended', { guarded: true, ...early }, 7_000],
    ['is its own end, for one that ended by itself', own, 20_000],
    ['is its own end, with the engine an hour ahead', { ...own, aheadMs: HOUR_MS }, 20_000],
    ['is its own end, with the engine an hour behind', { ...own, aheadMs: -HOUR_MS }, 20_000],
    ['is its own end, with the agent set ahead', { ...own, agentJumpMs: HOUR_MS }, 20_000],
    ['is its own end, with the agent set back', { ...own, agentJumpMs: -HOUR_MS }, 20_000],
    ['is where somebody saw it run, with the engine set back', { ...own, engineJumpMs: -HOUR_MS }, 4_000],
    ['is no more than went by, with the engine set ahead', { ...own, engineJumpMs: HOUR_MS }, 60_000],
  ]
  for (const [name, how, ms] of cases) it(name, async () => assert.equal(await afterwards(how), ms))
})

describe('what an end that was heard of late is billed to', () => {
  const cases: [name: string, how: HeldUp, ms: number][] = [
    ['is the end', { lateMs: 30_000 }, 5_000],
    ['is the end, with the engine’s time as late', { lateMs: 30_000, timeLateMs: 30_000 }, 5_000],
    ['is the end, with the engine an hour ahead', { lateMs: 30_000, aheadMs: HOUR_MS }, 5_000],
    ['is the end, with the engine an hour behind', { lateMs: 30_000, aheadMs: -HOUR_MS }, 5_000],
    ['is the end, with the agent set ahead', { lateMs: 30_000, agentJumpMs: HOUR_MS }, 5_000],
    ['is the end, with the agent set back', { lateMs: 30_000, agentJumpMs: -HOUR_MS }, 5_000],
    ['is what went by, with the engine set back', { lateMs: 0, engineJumpMs: -HOUR_MS }, 5_000],
    ['is what went by, with the engine set ahead', { lateMs: 0, engineJumpMs: HOUR_MS }, 5_000],
  ]
  for (const [name, how, ms] of cases) it(name, async () => assert.equal(await heldUp(how), ms))
})
