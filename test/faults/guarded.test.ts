/** What the guard of a dead agent ends: see docs/decisions/0010-guard-process.md. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, startFaultMarket } from './support/fault-market.ts'

/** Nobody is lost while the guard waits. */
const TIMES = { heartbeatMs: 500, lostAfterMs: 120_000 }

test('a container that the guard of a dead agent ended is its requester’s doing, and billed until then', async () => {
  await using market = await startFaultMarket({ agents: [{ name: 'a' }], times: TIMES })
  const [agent] = market.agents
  assert.ok(agent !== undefined)
  const changes = { onDisconnect: 'stop', leaseTimeout: 10, maxAttempts: 1 } as const
  const id = await market.submit(market.count(5_000, 50, changes), true)
  await market.when(id, ({ status }) => status === 'running')
  await agent.process.end('SIGKILL')
  const hasEnded = async (): Promise<boolean> =>
    (await market.engineEvents()).some(({ jobId, action }) => jobId === id && action === 'die')
  await eventually(async () => (await hasEnded()) || 'the container runs')
  agent.process.restart()
  const { status, error, cost } = await market.ended(id)
  assert.deepEqual([status, error?.code], ['failed', 'NETWORK_ERROR'], JSON.stringify(error))
  assert.ok((cost.final ?? 0) > 0)
  // What was metered is as long as the engine says that it ran.
  assert.deepEqual(await market.check(), [])
})
