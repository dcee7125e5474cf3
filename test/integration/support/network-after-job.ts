import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { ensureEngine } from '../../../scripts/engine.ts'
import { type LocalNetwork, startLocalNetwork } from '../../../scripts/local-network.ts'
import { networkApi } from '../../faults/support/network-api.ts'

/** A gateway and an agent as processes of their own, which have run one job; stopped with the test. */
export async function networkAfterJob(test: TestContext): Promise<LocalNetwork> {
  const engine = await ensureEngine()
  test.after(async () => await engine.stop())
  const dockerHost = `unix://${engine.socketPath}`
  const network = await startLocalNetwork({ dockerHost, agents: [{ name: 'a', flags: [] }] })
  test.after(network.stop)
  const api = networkApi(network)
  await api.provider('a', ({ status }) => status === 'online')
  const { status } = await api.ended(await api.submit({ command: ['true'], network: 'none' }))
  assert.equal(status, 'completed')
  return network
}
