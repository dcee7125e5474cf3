/** What the API tells of a provider, by processes: its version, and since when it is known. */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ownVersion } from '../../node/version.ts'
import { ensureEngine } from '../../scripts/engine.ts'
import { startLocalNetwork } from '../../scripts/local-network.ts'
import { networkApi } from '../faults/support/network-api.ts'

it('entry 32, entry 35: a provider has a version, and is known since before the gateway was started again', async (test) => {
  const engine = await ensureEngine()
  test.after(async () => await engine.stop())
  const dockerHost = `unix://${engine.socketPath}`
  const network = await startLocalNetwork({ dockerHost, agents: [{ name: 'known', flags: [] }] })
  test.after(async () => await network.stop())
  const api = networkApi(network)
  const before = await api.provider('known', ({ status }) => status === 'online')
  assert.match(before.version, /^\d+\.\d+\.\d+/)
  assert.equal(before.version, await ownVersion())
  const listed = await api.call('GET', '/providers?fields=id,version')
  assert.deepEqual(listed.data, [{ id: before.id, version: before.version }])
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const [gateway] = network.processes
    assert.ok(gateway !== undefined)
    await gateway.end(signal)
    gateway.restart()
    await api.answers()
    // Not from what was stored: heard of again.
    const isHeard = ({ status, updatedAt }: typeof before): boolean =>
      status === 'online' && updatedAt > before.updatedAt
    const after = await api.provider('known', isHeard)
    // The first time of all is kept, which a provider may be heard of again soon after.
    assert.ok(after.createdAt <= before.createdAt, `${after.createdAt} after ${before.createdAt}, ${signal}`)
    assert.equal(after.version, before.version, signal)
  }
})
