/** The gateway is killed, as `kill -9` does it, at each stage of a job's life, and started again. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arm, type FaultMarket, startFaultMarket } from './support/fault-market.ts'
import type { Fault } from './support/fault-points.ts'
import { faultsOf, KILL_TIMES, REQUESTER_STAGES } from './support/stages.ts'

test('a gateway killed at each stage of its jobs loses nothing and gives no job twice', async () => {
  await using market = await startFaultMarket({ agents: ['a', 'b'].map((name) => ({ name })), times: KILL_TIMES })
  for (const fault of faultsOf(REQUESTER_STAGES, [2, 3])) await killGateway(market, fault)
  assert.deepEqual(await market.check(), [])
})

async function killGateway(market: FaultMarket, fault: Fault): Promise<void> {
  const { gateway, agents } = market
  // Agents come by it, not the gateway: they are held up there until it is gone.
  const isTheirs = fault.point === 'pull'
  if (!isTheirs) arm(gateway, fault)
  else for (const { process } of agents) arm(process, { point: 'pull', action: 'hold', ms: 1_000, times: 2 })
  const jobs = [0, 1].map(async (i) => await market.submit(market.count(15, 20), i === 0))
  if (isTheirs) {
    for (const job of jobs) await market.when(await job, ({ status }) => status === 'scheduled')
    await gateway.end('SIGKILL')
  }
  await gateway.ended()
  gateway.restart()
  for (const id of await Promise.all(jobs)) {
    assert.equal((await market.ended(id)).status, 'completed', `${id}, ${fault.point}`)
  }
}
