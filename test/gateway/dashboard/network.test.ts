import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Provider, ProviderHistoryEntry } from '../../../gateway/client/index.ts'
import { GPU_EXAMPLE } from '../../../gateway/contract/gpus.ts'
import { PROVIDER_EXAMPLE, providerSchema } from '../../../gateway/contract/providers.ts'
import { labelsOf } from '../../../gateway/dashboard/src/network/compared.ts'
import { pastLines } from '../../../gateway/dashboard/src/network/over-time-lines.ts'
import { createPlaces, type Place, spread } from '../../../gateway/dashboard/src/network/regions.ts'
import { bestOf, type Compared, GROUPS } from '../../../gateway/dashboard/src/network/traits.ts'

const COUNTRIES: Record<string, Place> = { DE: [10, 51], AT: [14, 47], CA: [-100, 60], SA: [45, 24] }
const placeOf = createPlaces(COUNTRIES)
const HOUR = 3_600_000
const NOW = Date.parse('2026-12-01T00:00:00Z')

function provider(fields: Partial<Provider>): Provider {
  return { ...providerSchema.parse(PROVIDER_EXAMPLE), ...fields }
}

describe('regions on the map', () => {
  it('are where their words say', () => {
    const [west, middle, east] = ['eu-west-1', 'eu', 'easteurope'].map((region) => placeOf(region))
    assert.ok(west && middle && east && west[0] < middle[0] && middle[0] < east[0])
    const [north, south] = ['us-northeast2', 'us-southeast2'].map((region) => placeOf(region))
    assert.ok(north && south && north[1] > south[1] && north[0] === south[0])
    assert.ok((placeOf('South America')?.[1] ?? 90) < 0)
    assert.notDeepEqual(placeOf('sa-east-1'), COUNTRIES.SA)
    for (const region of ['de', 'DE-fra', 'Germany', ' germany ']) {
      assert.deepEqual(placeOf(region), [10, 51], region)
    }
  })

  it('are nowhere where nobody knows, whatever they are called', () => {
    for (const region of [
      '',
      'attic',
      'constructor',
      '__proto__',
      '<b>eux</b>',
      'a'.repeat(10_000),
      '🦊',
      'Zz',
      'at home',
      'ask me',
    ]) {
      assert.equal(placeOf(region), null, region.slice(0, 20))
    }
  })

  it('stand beside one another where they are at one place, and not over the countries around', () => {
    const made = Array.from({ length: 60 }, (_, i) => ({ name: `eu-west-${i}`, place: placeOf(`eu-west-${i}`) }))
    const drawn = spread([{ name: 'attic', place: null }, ...made])
    const [first] = drawn
    assert.ok(first && drawn.length < 10)
    assert.equal(new Set(drawn.map(({ at }) => at.join(' '))).size, drawn.length)
    assert.ok(drawn.every(({ at }) => at[0] - first.at[0] <= 15 && first.at[1] - at[1] <= 15))
  })
})

describe('providers side by side', () => {
  it('are told apart by their ids where they are called alike', () => {
    const called = [
      ['12D3KooWaaaaAAAA', 'attic'],
      ['12D3KooWbbbbBBBB', 'Attic'],
      ['12D3KooWccccCCCC', 'cellar'],
      ['12D3KooWddddDDDD', ''],
    ].map(([id = '', name = '']) => ({ id, name }))
    assert.deepEqual([...labelsOf(called).values()], ['attic …AAAA', 'Attic …BBBB', 'cellar', '…ddddDDDD'])
  })

  const compared = (fields: Partial<Provider>, uptime: number | null = null): Compared => ({
    provider: provider(fields),
    uptime,
  })
  const trait = (label: string) => {
    const found = GROUPS.flatMap(({ traits }) => traits).find((one) => one.label === label)
    assert.ok(found, label)
    return found
  }

  it('tell which is best, and of none where all are alike', () => {
    const { pricing } = provider({})
    const [cheap, dear] = [compared({ pricing: { ...pricing, cpu: 0.01 } }, 99), compared({}, null)]
    assert.deepEqual(bestOf(trait('Core-hour'), [cheap, dear]), new Set([cheap]))
    assert.deepEqual(bestOf(trait('GB-hour of memory'), [cheap, dear]), new Set())
    assert.deepEqual(bestOf(trait('There in 30 days'), [cheap, compared({}, 100)]).size, 1)
    assert.deepEqual(bestOf(trait('Region'), [cheap, dear]), new Set())
  })

  it('say of each kind of GPU what it costs, of none nothing, and of no kind that it is better', () => {
    const { capacity } = provider({})
    const none = compared({ capacity: { ...capacity, total: { ...capacity.total, gpu: [] } } })
    const kind = { ...GPU_EXAMPLE, model: 'NVIDIA H100', pricePerHour: 2.1 }
    const some = compared({ capacity: { ...capacity, total: { ...capacity.total, gpu: [kind] } } })
    const hour = trait('GPU-hour')
    assert.deepEqual([hour.value(none), hour.value(some)], [null, '2 × NVIDIA H100: $2.10'])
    assert.deepEqual(bestOf(hour, [none, some]), new Set())
  })

  it('say nothing of what is not known', () => {
    const bare = compared({ hardware: null, measured: null, seen: null, region: '', status: 'offline' })
    const shown = ['Processor', 'Cores', 'Interface', 'Region', 'Up for', 'One core, primes a second'].map((label) =>
      trait(label).value(bare),
    )
    assert.deepEqual(shown, Array(shown.length).fill(null))
  })

  it('have their prices and how much they were there on one axis, of the last 30 days', () => {
    const { pricing } = provider({})
    const entry = (hoursAgo: number, cpu: number): ProviderHistoryEntry => ({
      ...{ timestamp: new Date(NOW - hoursAgo * HOUR).toISOString(), type: 'provider.pricing.changed' as const },
      ...{ status: 'online' as const, pricing: { ...pricing, cpu }, gpus: [] },
    })
    const uptime = [{ timestamp: new Date(NOW - 5 * HOUR).toISOString(), value: 50 }]
    const old = { id: 'a', name: 'old', history: [entry(10, 0.03), entry(900, 0.02), entry(1_000, 0.01)], uptime }
    const { prices, shares, whole } = pastLines([old, { id: 'b', name: 'new', history: [], uptime: [] }], NOW)
    const since = NOW - 720 * HOUR
    const { points = [] } = prices[0] ?? {}
    const changes = points.filter(({ value }, i) => value !== points[i - 1]?.value)
    assert.deepEqual(changes, [
      { at: since, value: 0.02 },
      { at: NOW - 10 * HOUR, value: 0.03 },
    ])
    assert.deepEqual(points.at(-1), { at: NOW, value: 0.03 })
    assert.ok(points.every(({ at }, i) => i === 0 || at - (points[i - 1]?.at ?? 0) <= HOUR))
    assert.deepEqual(prices[1]?.points, [])
    assert.deepEqual(shares[0]?.points, [{ at: NOW - 5 * HOUR, value: 50 }])
    assert.deepEqual(whole, { from: since, to: NOW })
  })
})
