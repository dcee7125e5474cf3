import assert from 'node:assert/strict'
import { it } from 'node:test'
import { z } from 'zod'
import { successSchema } from '../../gateway/contract/envelope.ts'
import { providerHistorySchema } from '../../gateway/contract/provider-history.ts'
import { pricingSchema } from '../../gateway/contract/provider-pricing.ts'
import { aKind } from '../support/gpus.ts'
import { until } from '../support/until.ts'
import { openTestGateway } from './support/test-gateway.ts'
import { PROVIDER, providerView } from './support/test-node.ts'

const DAY = 86_400_000
const historyAnswer = z.strictObject({ id: z.string(), history: z.array(providerHistorySchema) })

it('a provider’s changes of status and prices are told, newest first', async () => {
  const gateway = await openTestGateway()
  try {
    gateway.time.nowMs = 1_700_000_000_000
    await gateway.start()
    const { prices } = providerView()
    const path = `/api/plugin-core/providers/${PROVIDER}/history`
    for (const change of [{ prices: { ...prices, cpuPerCoreHour: 30_000_000n } }, { status: 'offline' as const }]) {
      gateway.time.nowMs += 1000
      const before = gateway.providerLog.end()
      gateway.providers[0] = { ...providerView(), ...gateway.providers[0], ...change }
      gateway.tellDirectory(gateway.providers[0])
      await until(() => gateway.providerLog.end() === before + 1)
    }
    const { data } = successSchema(historyAnswer).parse((await gateway.ask('GET', path)).body)
    assert.equal(data.id, PROVIDER)
    assert.deepEqual(
      data.history.map(({ timestamp, type, status, pricing }) => [Date.parse(timestamp), type, status, pricing.cpu]),
      [
        [1_700_000_002_000, 'provider.status.changed', 'offline', 0.03],
        [1_700_000_001_000, 'provider.pricing.changed', 'online', 0.03],
        [1_700_000_000_000, 'provider.added', 'online', 0.01],
      ],
    )
    // One that is gone keeps its history; one that never was has none.
    gateway.providers.splice(0)
    assert.equal((await gateway.ask('GET', path)).data.history.length, 3)
    const nobody = await gateway.ask('GET', '/api/plugin-core/providers/nobody/history')
    assert.deepEqual([nobody.status, nobody.code], [404, 'PROVIDER_NOT_FOUND'])
    const jobsOnly = await gateway.keyFor('alice', ['jobs:*'])
    assert.equal((await gateway.ask('GET', path, { key: jobsOnly })).code, 'FORBIDDEN')
  } finally {
    await gateway.close()
  }
})

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

it('a provider’s prices are told by model of GPU, over the time in which it sold that model', async () => {
  const gateway = await openTestGateway()
  try {
    const nowMs = Date.now()
    const { prices, total } = providerView()
    const selling = (h100: bigint, t4: bigint | null) => {
      const gpus = [aKind({ pricePerHour: h100 }), ...(t4 === null ? [] : [aKind({ model: 'T4', pricePerHour: t4 })])]
      // One beside them whose model it does not tell.
      const count = { ...total, gpu: gpus.length + 1 }
      return providerView({ prices: { ...prices, gpuPerHour: 7_000_000n }, total: count, free: count, gpus })
    }
    // An H100 from 40 days ago, which is dearer from 5 days ago; a T4 from 1 day ago.
    const steps = [
      [40, selling(2_000_000_000n, null)],
      [5, selling(3_000_000_000n, null)],
      [1, selling(3_000_000_000n, 200_000_000n)],
    ] as const
    for (const [i, [daysAgo, provider]] of steps.entries()) {
      gateway.time.nowMs = nowMs - daysAgo * DAY
      gateway.providers.splice(0, 1, provider)
      if (i === 0) await gateway.start()
      else gateway.tellDirectory(provider)
      await until(() => gateway.providerLog.end() === i + 1)
    }
    gateway.time.nowMs = nowMs
    const path = `/api/plugin-core/providers/${PROVIDER}`
    const { data } = successSchema(pricingSchema).parse((await gateway.ask('GET', `${path}/pricing`)).body)
    assert.equal(data.gpu.price, 0.007)
    assert.deepEqual(data.gpus, [
      {
        ...{ model: 'NVIDIA H100 80GB HBM3', price: 3 },
        ...{ '7d': { min: 2, max: 3, avg: 2.714285714 }, '30d': { min: 2, max: 3, avg: 2.166666667 } },
      },
      { model: 'T4', price: 0.2, '7d': { min: 0.2, max: 0.2, avg: 0.2 }, '30d': { min: 0.2, max: 0.2, avg: 0.2 } },
    ])
    const { history } = successSchema(historyAnswer).parse((await gateway.ask('GET', `${path}/history`)).body).data
    assert.deepEqual(
      history.map(({ type, gpus }) => [type, ...gpus.map(({ pricePerHour }) => pricePerHour)]),
      [
        ['provider.pricing.changed', 3, 0.2],
        ['provider.pricing.changed', 3],
        ['provider.added', 2],
      ],
    )
  } finally {
    await gateway.close()
  }
})
