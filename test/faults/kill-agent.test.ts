/** Agents are killed, as `kill -9` does it, at each stage of a job's life, and started again. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arm, type FaultAgent, type FaultMarket, startFaultMarket } from './support/fault-market.ts'
import type { Fault } from './support/fault-points.ts'
import { AGENT_STAGES, faultsOf, KILL_TIMES } from './support/stages.ts'

test('agents killed at each stage of a job lose nothing and run nothing twice', async () => {
  await using market = await startFaultMarket({ agents: ['a', 'b', 'c'].map((name) => ({ name })), times: KILL_TIMES })
  const faults = faultsOf(AGENT_STAGES, [1])
  const shares = market.agents.map((agent, i) => ({
    agent,
    own: faults.filter((_, k) => k % market.agents.length === i),
  }))
  await Promise.all(shares.map(async ({ agent, own }) => await killAgent(market, agent, own)))
  assert.deepEqual(await market.check(), [])
})

async function killAgent(market: FaultMarket, agent: FaultAgent, faults: Fault[]): Promise<void> {
  let last: string[] = []
  for (const fault of faults) {
    arm(agent.process, fault)
    // Those of the last kill are still under way.
    const job = market.count(15, 20, { provider: agent.id })
    const jobs = await Promise.all([0, 1].map(async (i) => await market.submit(job, i === 0)))
    await agent.process.ended()
    agent.process.restart()
    for (const id of last) await assertCompleted(market, id, `until after ${fault.point}`)
    last = jobs
  }
  for (const id of last) await assertCompleted(market, id, 'the last')
}

async function assertCompleted(market: FaultMarket, id: string, when: string): Promise<void> {
  const job = await market.ended(id)
  assert.equal(job.status, 'completed', `${id}, ${when}: ${JSON.stringify(job)}`)
}
