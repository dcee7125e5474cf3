/** An agent is killed, as `kill -9` does it, with a job in a sandbox: the job keeps its network, and nothing is left over. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, startFaultMarket } from './support/fault-market.ts'
import { KILL_TIMES } from './support/stages.ts'

test('a job in a sandbox outlives its agent with its network', async () => {
  const flags = ['--sandboxes', '1']
  await using market = await startFaultMarket({ agents: [{ name: 'a', flags }], times: KILL_TIMES })
  const { docker, agents } = market
  const [agent] = agents
  assert.ok(agent)
  const filters = { label: [`org.cortex-node.sandbox=${agent.id}`] }
  const holders = async () => await docker.listContainers({ filters })
  await eventually(async () => (await holders()).length === 1 || 'there is no sandbox')
  const [first] = await holders()
  const stray = await market.submit(market.count(1, 1))
  await market.ended(stray)
  const counting = market.count(150, 100, { network: 'bridge' })
  const addressed = 'ip addr show eth0 >/dev/null || exit 1'
  const [script = ''] = counting.job.args ?? []
  counting.job.args = [script.replace('echo line', `${addressed}; echo line`)]
  const id = await market.submit(counting, true)
  await market.when(id, ({ status }) => status === 'running')
  const { HostConfig: config } = await docker.getContainer(`cortex-${id}-1`).inspect()
  assert.equal(config.NetworkMode, `container:${first?.Id}`)
  await eventually(async () => (await holders()).length === 2 || 'there is no other sandbox')
  const spare = (await holders()).find(({ Id }) => Id !== first?.Id)

  await agent.process.end('SIGKILL')
  agent.process.restart()
  await eventually(async () => !(await holders()).some(({ Id }) => Id === spare?.Id) || 'the spare one is there')
  assert.ok(
    (await holders()).some(({ Id }) => Id === first?.Id),
    'the job’s own is kept',
  )
  assert.equal((await market.ended(id)).status, 'completed')
  assert.deepEqual(await market.check(), [])
  assert.deepEqual(
    [...(await docker.listContainers({ all: true, filters })), ...(await docker.listNetworks({ filters }))],
    [],
  )
})
