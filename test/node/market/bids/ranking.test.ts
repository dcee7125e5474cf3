import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Offer, rank } from '../../../../node/market/bids/ranking.ts'

const GIB = 2 ** 30
const HOUR = { seconds: 3_600, networkBytes: 0, keptByteSeconds: 0n }

function offer(provider: string, fields: Partial<Offer> = {}): Offer {
  return {
    provider,
    name: provider,
    pricePerHour: 10_000_000n,
    minimumCharge: 0n,
    pricePerGb: 0n,
    volumePerGbHour: 0n,
    free: { cpuMillis: 2000, memoryBytes: GIB, storageBytes: GIB, gpu: 0 },
    total: { cpuMillis: 4000, memoryBytes: 4 * GIB, storageBytes: 4 * GIB, gpu: 0 },
    uptimeSeconds: 3600,
    latencyMs: 10,
    trust: 1,
    figures: null,
    emulated: false,
    holdsImage: false,
    missingBytes: null,
    waitMs: 0,
    ...fields,
  }
}

const order = (offers: Offer[], strategy: 'cost' | 'performance' | 'availability'): string[] =>
  rank(offers, strategy, HOUR).map(({ offer }) => offer.provider)

describe('ranking', () => {
  const idle = { cpuMillis: 3900, memoryBytes: GIB, storageBytes: GIB, gpu: 0 }
  const cases: [string, 'cost' | 'performance' | 'availability', Offer[], string[]][] = [
    ['the cheaper wins', 'cost', [offer('a', { pricePerHour: 3n }), offer('b', { pricePerHour: 2n })], ['b', 'a']],
    [
      'a free machine beats a cheap one',
      'cost',
      [offer('a', { pricePerHour: 1n }), offer('b', { pricePerHour: 0n })],
      ['b', 'a'],
    ],
    ['equal prices go by headroom', 'cost', [offer('a'), offer('b', { free: idle })], ['b', 'a']],
    [
      'by itself wins over by emulation, be that half the price',
      'cost',
      [offer('a', { pricePerHour: 10n, emulated: true }), offer('b', { pricePerHour: 21n })],
      ['b', 'a'],
    ],
    [
      'where the job need not wait for its data it runs sooner',
      'performance',
      [offer('a', { waitMs: 6_000 }), offer('b')],
      ['b', 'a'],
    ],
    [
      'a long wait outweighs a machine that is less busy',
      'performance',
      [offer('a', { waitMs: 60_000, free: idle }), offer('b', { waitMs: 1_000 })],
      ['b', 'a'],
    ],
    [
      'of about the same price it is where the job runs sooner',
      'cost',
      [
        offer('a', { pricePerHour: 10_000_000n, waitMs: 9_000 }),
        offer('b', { pricePerHour: 10_400_000n, waitMs: 1_000 }),
        offer('c', { pricePerHour: 10_300_000n, waitMs: 5_000 }),
        offer('d', { pricePerHour: 10_600_000n }),
      ],
      ['b', 'c', 'a', 'd'],
    ],
    [
      'a part of a second is worth no money',
      'cost',
      [offer('a', { pricePerHour: 10_000_000n, waitMs: 900 }), offer('b', { pricePerHour: 10_400_000n })],
      ['a', 'b'],
    ],
    [
      'who is not believed gains nothing by a short wait',
      'cost',
      [offer('a', { trust: 0.5 }), offer('b', { waitMs: 60_000 })],
      ['b', 'a'],
    ],
    ['all equal goes by id', 'cost', [offer('b'), offer('a')], ['a', 'b']],
    [
      'one that broke its word loses to one at half again the price',
      'cost',
      [offer('a', { trust: 0.5 }), offer('b', { pricePerHour: 15_000_000n })],
      ['b', 'a'],
    ],
    [
      'one that broke its word does not come back by asking for nothing',
      'cost',
      [offer('a', { trust: 1 / 3, pricePerHour: 0n }), offer('b'), offer('c', { pricePerHour: 15_000_000n })],
      ['b', 'c', 'a'],
    ],
    [
      'where all have broken theirs, the price counts again',
      'cost',
      [offer('a', { trust: 1 / 3, pricePerHour: 20_000_000n }), offer('b', { trust: 1 / 3 })],
      ['b', 'a'],
    ],
    [
      'where none of several is believed, what is far too cheap comes last',
      'cost',
      [
        offer('a', { trust: 0.4, pricePerHour: 1_000_000n }),
        offer('b', { trust: 0.4 }),
        offer('c', { trust: 0.4, pricePerHour: 11_000_000n }),
      ],
      ['b', 'c', 'a'],
    ],
    [
      'performance takes the idle machine at twice the price',
      'performance',
      [offer('a'), offer('b', { free: idle, pricePerHour: 20_000_000n })],
      ['b', 'a'],
    ],
    [
      'performance takes the near one',
      'performance',
      [offer('a', { latencyMs: 200 }), offer('b', { latencyMs: 1 })],
      ['b', 'a'],
    ],
    [
      'availability takes the one that has been up for long',
      'availability',
      [offer('a', { uptimeSeconds: 60, pricePerHour: 1n }), offer('b', { uptimeSeconds: 30 * 86_400 })],
      ['b', 'a'],
    ],
  ]
  for (const [name, strategy, offers, expected] of cases) {
    it(name, () => assert.deepEqual(order(offers, strategy), expected))
  }

  it('keeps scores between 0 and 1 and says why', () => {
    const [best] = rank([offer('a', { trust: 0.5 })], 'cost', HOUR)
    assert.equal(best?.score, 0.5)
    assert.match(best?.reason ?? '', /cost: \$0\.01\/h, 50% left free, trust 50%/)
  })

  it('weighs a minimum charge by how short the job is', () => {
    // Half the price and a cent at least: as much as the other's for an hour, dearer below half of one.
    const offers = [offer('a', { pricePerHour: 5_000_000n, minimumCharge: 10_000_000n }), offer('b')]
    const first = (seconds: number): string | undefined =>
      rank(offers, 'cost', { seconds, networkBytes: 0, keptByteSeconds: 0n })[0]?.offer.provider
    assert.deepEqual([first(600), first(3_599), first(3_600), first(7_200)], ['b', 'b', 'a', 'a'])
    assert.match(
      rank(offers, 'cost', { seconds: 600, networkBytes: 0, keptByteSeconds: 0n })[1]?.reason ?? '',
      /cost: \$0\.005\/h, at least \$0\.01, 50% left free/,
    )
  })

  it('counts a price of traffic for all that the job may cause', () => {
    // Half the price, and as much as the other's for an hour and half a GB.
    const offers = [offer('a', { pricePerHour: 5_000_000n, pricePerGb: 10_000_000n }), offer('b')]
    const first = (networkBytes: number): string | undefined =>
      rank(offers, 'cost', { seconds: 3_600, networkBytes, keptByteSeconds: 0n })[0]?.offer.provider
    assert.deepEqual([first(0), first(GIB / 2), first(GIB / 2 + 1_000), first(GIB)], ['a', 'a', 'b', 'b'])
    assert.match(rank(offers, 'cost', HOUR)[0]?.reason ?? '', /cost: \$0\.005\/h, \$0\.01 per GB of traffic, 50% left/)
  })

  it('counts a price of volumes for as long as the job has them kept', () => {
    // Half the price, and as much as the other's for an hour and half a GB-hour.
    const offers = [offer('a', { pricePerHour: 5_000_000n, volumePerGbHour: 10_000_000n }), offer('b')]
    const first = (gbHours: number): string | undefined => {
      const keptByteSeconds = BigInt(gbHours * 3_600 * GIB)
      return rank(offers, 'cost', { ...HOUR, keptByteSeconds })[0]?.offer.provider
    }
    assert.deepEqual([first(0), first(0.5), first(0.51), first(1)], ['a', 'a', 'b', 'b'])
    assert.match(rank(offers, 'cost', HOUR)[0]?.reason ?? '', /\$0\.005\/h, \$0\.01 per GB-hour of volumes, 50% left/)
  })

  it('ranks nothing without offers', () => assert.deepEqual(rank([], 'cost', HOUR), []))
})
