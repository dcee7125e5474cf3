/** Providers that go away for longer than a lease lasts: for good, or to come back when nobody counts on them any more. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { arm, eventually, type FaultAgent, type FaultMarket, startFaultMarket } from './support/fault-market.ts'

/** Silence of ten seconds is a loss: a busy machine lets a provider wait for some. */
const QUICK = { heartbeatMs: 500, lostAfterMs: 10_000 }

/** Lines at 50 ms each that no container comes to the end of before its job's next attempt: it must be ended by somebody. */
const OUTLASTING = 2_000

/** From the kill of its provider to the job's being taken elsewhere, in ms. The engine, which may be busy, comes after. */
const ELSEWHERE_WITHIN_MS = 60_000

/** Two providers that take the jobs of one test: the second is for when the first is gone. */
function pair(name: string): { name: string; flags: string[] }[] {
  return ['first', 'second'].map((place) => ({ name: `${name}-${place}`, flags: ['--label', `pair=${name}`] }))
}

function pairOf(market: FaultMarket, name: string): [FaultAgent, FaultAgent] {
  const [first, second] = market.agents.filter((agent) => agent.name.startsWith(`${name}-`))
  assert.ok(first !== undefined && second !== undefined)
  return [first, second]
}

/** A job for one pair, running on its first, because the second was held up meanwhile. */
async function runningOn(
  market: FaultMarket,
  name: string,
  changes: object = {},
  lines = 160,
): Promise<{ id: string; first: FaultAgent }> {
  const [first, second] = pairOf(market, name)
  process.kill(second.process.pid, 'SIGSTOP')
  const id = await market.submit(market.count(lines, 50, { constraints: { labels: { pair: name } }, ...changes }), true)
  const { assignedProvider } = await market.when(id, ({ status }) => status === 'running')
  process.kill(second.process.pid, 'SIGCONT')
  assert.equal(assignedProvider, first.id)
  return { id, first }
}

describe('a provider that is lost', { concurrency: true }, () => {
  test('for good: the job runs elsewhere within 60 s of the kill, with the times as they are', async () => {
    await using market = await startFaultMarket({ agents: pair('gone') })
    const { id, first } = await runningOn(market, 'gone')
    await first.process.end('SIGKILL')
    const killedAt = Date.now()
    const job = await market.when(id, ({ status, attempt }) => status === 'running' && attempt === 2)
    const tookMs = Date.parse(job.events.findLast(({ type }) => type === 'scheduled')?.timestamp ?? '') - killedAt
    assert.ok(tookMs < ELSEWHERE_WITHIN_MS, `${tookMs} ms`)
    assert.equal((await market.ended(id)).status, 'completed')
    // What it left is put away once it is back.
    first.process.restart()
    assert.deepEqual(await market.check(), [])
  })

  test('and comes back: the attempt that is no longer the job’s is stopped, and never runs beside another where that was asked', async () => {
    await using market = await startFaultMarket({
      agents: [...pair('paused'), ...pair('paused-stop'), ...pair('killed-stop'), ...pair('silent-award')],
      times: QUICK,
    })
    const once = { onDisconnect: 'stop', leaseTimeout: 10 }
    await Promise.all([
      paused(market, 'paused', {}),
      paused(market, 'paused-stop', once),
      killed(market, 'killed-stop', once),
      silent(market, 'silent-award', once),
    ])
    assert.deepEqual(await market.check(), [])
  })
})

/** The first is held up until the job has gone to the second, and then goes on as if nothing had been. */
async function paused(market: FaultMarket, name: string, changes: object): Promise<void> {
  const { id, first } = await runningOn(market, name, changes, OUTLASTING)
  process.kill(first.process.pid, 'SIGSTOP')
  await market.when(id, ({ status, attempt }) => status === 'running' && attempt === 2)
  process.kill(first.process.pid, 'SIGCONT')
  await cancelled(market, id)
}

async function killed(market: FaultMarket, name: string, changes: object): Promise<void> {
  const { id, first } = await runningOn(market, name, changes, OUTLASTING)
  await first.process.end('SIGKILL')
  await market.when(id, ({ status, attempt }) => status === 'running' && attempt === 2)
  first.process.restart()
  await cancelled(market, id)
}

/** The first takes the award and starts the container, but its answer comes too late. */
async function silent(market: FaultMarket, name: string, changes: object): Promise<void> {
  const [first, second] = pairOf(market, name)
  process.kill(second.process.pid, 'SIGSTOP')
  arm(first.process, { point: 'award-reply:send', action: 'hold', ms: 8_000, times: 1 })
  const job = market.count(60, 50, { constraints: { labels: { pair: name } }, ...changes })
  const id = await market.submit(job)
  // It runs before its requester knows that it was taken.
  await eventually(async () => (await market.engineEvents()).some((event) => event.jobId === id) || 'no container')
  process.kill(second.process.pid, 'SIGCONT')
  assert.equal((await market.ended(id)).status, 'completed')
}

/** Both attempts were seen to run; nobody waits for the second one's end. */
async function cancelled(market: FaultMarket, id: string): Promise<void> {
  await market.api.cancel(id)
  assert.equal((await market.ended(id)).status, 'cancelled')
}
