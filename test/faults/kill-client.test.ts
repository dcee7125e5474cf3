/** `cortex run` is killed, as `kill -9` does it, at each stage of its job's life; later ones in its slot settle what is left. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { isTerminal, type JobStatus } from '../../protocol/lifecycle.ts'
import { arm, eventually, type FaultMarket, startFaultMarket } from './support/fault-market.ts'
import type { Fault } from './support/fault-points.ts'
import { jobsIn } from './support/jobs-in.ts'
import { faultsOf, KILL_TIMES, REQUESTER_STAGES } from './support/stages.ts'

test('what a killed `cortex run` left is settled by a later one', async () => {
  await using market = await startFaultMarket({ agents: ['a', 'b'].map((name) => ({ name })), times: KILL_TIMES })
  // Each at the first passage: of its one job a client opens one award, and whether it has to place one that was left is chance.
  const faults = faultsOf(REQUESTER_STAGES, [4]).map((fault): Fault => ({ ...fault, after: 0 }))
  const jobs = await killClients(market, faults)
  assert.deepEqual(
    jobs.filter(({ status }) => status !== 'completed' && status !== 'cancelled'),
    [],
  )
  const expected = jobs.map(({ id }) => ({ id, lines: CLIENT_LINES }))
  assert.deepEqual(await market.check({ requesters: [slotFolder(market)], expected }), [])
})

const CLIENT_LINES = 15

/** One `cortex run` after the other in the same slot, each killed; then some that are left alone, until all is settled. */
async function killClients(market: FaultMarket, faults: Fault[]): Promise<{ id: string; status: JobStatus }[]> {
  const { job } = market.count(CLIENT_LINES, 20)
  const args = ['--cpu', '50', '--memory', '16Mi', '--storage', '16Mi', '--duration', '60', job.image, '--', 'sh', '-c']
  const run = (name: string) => market.client(name, [...args, ...(job.args ?? [])])
  for (const [i, fault] of faults.entries()) {
    const client = run(`run ${i}`)
    if (fault.point === 'pull') {
      for (const { process } of market.agents) arm(process, { point: 'pull', action: 'hold', ms: 1_000, times: 1 })
      await eventually(async () => client.output().includes('scheduled') || client.output())
      await client.end('SIGKILL')
    } else arm(client, fault)
    assert.equal(await client.ended(), null, `${fault.point}: ${client.output()}`)
  }
  for (let more = 0; ; more += 1) {
    const client = run(`run alone ${more}`)
    assert.equal(await client.ended(), 0, client.output())
    const jobs = await jobsIn(slotFolder(market))
    if (more === 2 || jobs.every(({ status }) => isTerminal(status))) return jobs
  }
}

function slotFolder(market: FaultMarket): string {
  return join(market.network.folder, 'client', '0')
}
