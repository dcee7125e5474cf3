import assert from 'node:assert/strict'
import { it } from 'node:test'
import { successSchema } from '../../gateway/envelope.ts'
import { pricingSchema } from '../../gateway/providers/pricing.ts'
import { until } from '../support/until.ts'
import { openTestGateway } from './support/test-gateway.ts'
import { PROVIDER, providerView } from './support/test-node.ts'

const DAY = 86_400_000

it('a provider’s prices are told with their range of the last days, weighted by time', async () => {
  const gateway = await openTestGateway()
  try {
    const nowMs = Date.now()
    gateway.time.nowMs = nowMs - 40 * DAY
    await gateway.start()
    // A cent from 40 days ago, three from 5 days ago.
    gateway.time.nowMs = nowMs - 5 * DAY
    const { prices } = providerView()
    const dearer = providerView({ prices: { ...prices, cpuPerCoreHour: 30_000_000n } })
    gateway.providers.splice(0, 1, dearer)
    gateway.tellDirectory(dearer)
    await until(() => gateway.providerLog.end() === 2)
    gateway.time.nowMs = nowMs
    const answer = await gateway.ask('GET', `/api/plugin-core/providers/${PROVIDER}/pricing`)
    const { data } = successSchema(pricingSchema).parse(answer.body)
    assert.equal(data.cpu.price, 0.03)
    assert.equal(data.cpu.unit, 'core-hour')
    assert.deepEqual(data.cpu['7d'], { min: 0.01, max: 0.03, avg: 0.024285714 })
    assert.deepEqual(data.cpu['30d'], { min: 0.01, max: 0.03, avg: 0.013333333 })
    assert.deepEqual(data.memory['30d'], { min: 0, max: 0, avg: 0 })
    assert.equal((await gateway.ask('GET', '/api/plugin-core/providers/none/pricing')).code, 'PROVIDER_NOT_FOUND')
  } finally {
    await gateway.close()
  }
})
