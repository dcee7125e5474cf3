import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { CortexClient, ValidationError } from '../../../gateway/client/index.ts'
import { type LocalNetwork, startLocalNetwork } from '../../../scripts/local-network.ts'

/** On loopback, as a receiver on the gateway's own machine is. */
const WEBHOOK = { url: 'http://127.0.0.1:9/hook', events: ['job.completed' as const] }

describe('cortex gateway', () => {
  let networks: LocalNetwork[] = []

  before(async () => {
    const start = async (...gatewayFlags: string[]) =>
      await startLocalNetwork({ dockerHost: '', agents: [], gatewayFlags })
    networks = await Promise.all([start(), start('--allow-private-webhooks')])
  })
  after(async () => {
    await Promise.all(networks.map(async ({ stop }) => await stop()))
  })

  it('lets webhooks lead inward only with --allow-private-webhooks', async () => {
    const [closed, open] = networks.map(({ url, key }) => new CortexClient({ baseUrl: url, apiKey: key }))
    await assert.rejects(
      async () => await closed?.webhooks.create(WEBHOOK),
      (error) => error instanceof ValidationError && error.fields[0]?.path === 'url',
    )
    assert.equal((await open?.webhooks.create(WEBHOOK))?.url, WEBHOOK.url)
  })
})
