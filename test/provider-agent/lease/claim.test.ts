import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toldToRun } from '../../../node/market/leases/own-meter.ts'
import { momentBefore, momentNow } from '../../../node/moment.ts'
import type { Lease } from '../../../node/store/index.ts'
import { claimableFrom, createClaim } from '../../../provider-agent/lease/state/claim.ts'
import { seeded } from '../../faults/support/seeded.ts'
import { createSimClock } from '../../support/sim-clock.ts'

const HEARTBEAT_MS = 2_000

describe('from when time is claimed', () => {
  const cases: [name: string, earliestMs: number, heard: { idleMs: number; startedMs: number }, ms: number][] = [
    ['is before the start, where that was heard soon', 1_000, { idleMs: 900, startedMs: 1_100 }, 600],
    ['is when it was heard at the latest that it does not run', 1_000, { idleMs: 1_400, startedMs: 2_100 }, 1_400],
    ['is no later than a report may take', 1_000, { idleMs: 2_000, startedMs: 2_100 }, 1_600],
    ['is one heartbeat before it was heard to run', 1_000, { idleMs: -Infinity, startedMs: 3_400 }, 1_400],
    ['is never later than a heartbeat after the start', 1_000, { idleMs: 6_000, startedMs: 9_000 }, 3_000],
  ]
  for (const [name, earliestMs, heard, ms] of cases) {
    it(name, () => assert.equal(claimableFrom(earliestMs, heard, HEARTBEAT_MS), ms))
  }

  it('is nothing new where another stream told of the start, and is so once', async () => {
    const clock = createSimClock()
    const claim = createClaim(clock)
    claim.startTold(3, 0)
    await clock.advance(5_000)
    assert.equal(claim.reportsHeard(0, 2, HEARTBEAT_MS), null, 'it is not told yet')
    assert.equal(claim.reportsHeard(3, 3, HEARTBEAT_MS), null, 'another stream told it')
    assert.equal(claim.reportsHeard(0, 3, HEARTBEAT_MS), null, 'it was told before')
    assert.equal(claim.most(5_000), Number.POSITIVE_INFINITY)
  })

  it('holds over a restart', async () => {
    const clock = createSimClock()
    const claim = createClaim(clock, momentNow(clock))
    await clock.advance(5_000)
    clock.jump(3_600_000)
    assert.equal(claim.most(clock.monotonicMs()), 5_000)
    assert.equal(createClaim(clock, momentBefore(clock, 7_000)).most(clock.monotonicMs()), 7_000)
  })

  it('is what the requester bears out, however long what is said takes, and gives up a heartbeat at most', async () => {
    for (let seed = 1; seed <= 2_000; seed += 1) await play(seed)
  })
})

/** Idle heartbeats, a start and its report, each of which takes a while to be heard, and to be answered. */
async function play(seed: number): Promise<void> {
  const random = seeded(seed)
  const most = random.pick([0, 20, 400, 1_500])
  const takes = (): number => random.below(most + 1)
  const clock = createSimClock()
  const claim = createClaim(clock)
  const lease = { awardedAt: momentBefore(clock, 60_000) } as Lease
  const beginMs = clock.monotonicMs()
  const startMs = beginMs + 1 + random.below(6_000)
  let earliestMs = beginMs
  let idleAtMs = beginMs
  let provedMs = 0
  let agoMs: number | null = null
  const events: { atMs: number; happens: () => void }[] = []
  // What is heard keeps its order, and so do the answers.
  let heardMs = beginMs
  let answeredMs = beginMs
  function say(atMs: number, hears: () => void, isAnswered: () => void): void {
    heardMs = Math.max(heardMs, atMs + takes())
    answeredMs = Math.max(answeredMs, heardMs + takes())
    events.push({ atMs: heardMs, happens: hears }, { atMs: answeredMs, happens: isAnswered })
  }
  for (let sentMs = beginMs; sentMs < startMs; sentMs += HEARTBEAT_MS) {
    earliestMs = sentMs
    say(
      sentMs,
      () => {
        idleAtMs = clock.monotonicMs()
      },
      claim.idleHeard,
    )
  }
  earliestMs = Math.max(earliestMs, startMs - takes())
  claim.startTold(1, earliestMs)
  say(
    startMs + takes(),
    () => {
      const heard = { lease, startedAtMs: 0, heartbeatMs: HEARTBEAT_MS, heldUpMs: 0 }
      provedMs = clock.monotonicMs() - toldToRun(clock, { atMs: idleAtMs, awayMs: 0 }, heard).unheardMs
    },
    () => {
      agoMs = claim.reportsHeard(0, 1, HEARTBEAT_MS)
    },
  )
  for (const { atMs, happens } of events.toSorted((a, b) => a.atMs - b.atMs)) {
    await clock.advance(atMs - clock.monotonicMs())
    happens()
  }
  assert.ok(agoMs !== null)
  const fromMs = clock.monotonicMs() - agoMs
  assert.ok(fromMs <= startMs + HEARTBEAT_MS, `seed ${seed}: claimed from ${fromMs}, started at ${startMs}`)
  const isBounded = fromMs === earliestMs + HEARTBEAT_MS
  assert.ok(isBounded || fromMs >= provedMs, `seed ${seed}: claimed from ${fromMs}, proved from ${provedMs}`)
  if (most <= 20) assert.ok(fromMs <= startMs + most, `seed ${seed}: claimed from ${fromMs}, started at ${startMs}`)
}
