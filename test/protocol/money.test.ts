import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MAX_DURATION_SECONDS, MAX_PRICE_NANO_USD } from '../../protocol/limits.ts'
import {
  chargeOf,
  costOf,
  effectivePerHour,
  formatUsd,
  meteredSeconds,
  mostCharge,
  type Prices,
  parseUsd,
  pricePerHour,
  storedTerms,
  type Terms,
  termsOf,
  usdNumber,
} from '../../protocol/money.ts'
import type { Resources } from '../../protocol/units.ts'

const DOLLAR = 1_000_000_000n
const GIB = 2n ** 30n
/** Objects like any other: fast-check tries some without a prototype else. */
const PLAIN = { noNullPrototype: true }
const U64 = 2n ** 64n

describe('parseUsd', () => {
  const amounts: [amount: string | number, nano: bigint][] = [
    ['0', 0n],
    ['0.05', 50_000_000n],
    ['12', 12n * DOLLAR],
    ['0.000000001', 1n],
    ['999999999.999999999', 10n ** 18n - 1n],
    ['00.10', 100_000_000n],
    [0, 0n],
    [-0, 0n],
    [0.05, 50_000_000n],
    [1e-7, 100n],
    [1.5e-7, 150n],
    [1.23e-7, 123n],
    [1e-9, 1n],
    [123_456_789, 123_456_789n * DOLLAR],
    [1e8, 10n ** 17n],
  ]
  for (const [amount, nano] of amounts) {
    it(`reads ${JSON.stringify(amount)}`, () => assert.equal(parseUsd(amount), nano))
  }

  it('refuses what is no amount, or finer than a nano-dollar', () => {
    const wrong: (string | number)[] = [
      '',
      ' 1',
      '1 ',
      '1\n',
      '-1',
      '+1',
      '.5',
      '5.',
      '1e-7',
      '1,5',
      '$1',
      '0.0000000001',
      '1000000000',
      'NaN',
      '9'.repeat(1_000_000),
      -1,
      -1e-7,
      1e-10,
      1.5e-9,
      1.0000000001,
      0.1 + 0.2,
      1e9,
      1e21,
      5e-324,
      Number.NaN,
      Number.POSITIVE_INFINITY,
    ]
    for (const amount of wrong) assert.equal(parseUsd(amount), null, String(amount).slice(0, 40))
  })
})

describe('formatUsd', () => {
  const cases: [bigint, string][] = [
    [0n, '0'],
    [1n, '0.000000001'],
    [50_000_000n, '0.05'],
    [12n * DOLLAR, '12'],
    [-1_500_000_000n, '-1.5'],
    [10n ** 24n + 1n, '1000000000000000.000000001'],
  ]
  for (const [nano, text] of cases) it(`writes ${text}`, () => assert.equal(formatUsd(nano), text))

  it('is what parseUsd reads, for every amount', () => {
    fc.assert(fc.property(fc.bigInt(0n, 10n ** 18n - 1n), (nano) => parseUsd(formatUsd(nano)) === nano))
  })

  it('becomes a number that parseUsd reads back, up to 15 digits', () => {
    fc.assert(fc.property(fc.bigInt(0n, 10n ** 15n - 1n), (nano) => parseUsd(usdNumber(nano)) === nano))
  })
})

/** A fraction that is never rounded before the end. */
interface Fraction {
  over: bigint
  under: bigint
}
const times = (amount: bigint, price: bigint, unit: bigint): Fraction => ({ over: amount * price, under: unit })
const plus = (a: Fraction, b: Fraction): Fraction => ({
  over: a.over * b.under + b.over * a.under,
  under: a.under * b.under,
})
const isFloorOf = (whole: bigint, { over, under }: Fraction): boolean =>
  whole * under <= over && over < (whole + 1n) * under

describe('pricePerHour', () => {
  const price = fc.bigInt(0n, MAX_PRICE_NANO_USD)
  const prices: fc.Arbitrary<Prices> = fc.record(
    {
      cpuPerCoreHour: price,
      memoryPerGbHour: price,
      storagePerGbHour: price,
      gpuPerHour: price,
      networkPerGb: price,
      minimumPerJob: price,
      volumePerGbHour: price,
    },
    PLAIN,
  )
  const resources: fc.Arbitrary<Resources> = fc.record(
    {
      cpuMillis: fc.nat(1_024_000),
      memoryBytes: fc.maxSafeNat(),
      storageBytes: fc.maxSafeNat(),
      gpu: fc.nat(64),
    },
    PLAIN,
  )

  it('is the exact sum rounded down, for any resources and prices', () => {
    fc.assert(
      fc.property(resources, prices, (r, p) => {
        const exact = [
          times(BigInt(r.memoryBytes), p.memoryPerGbHour, GIB),
          times(BigInt(r.storageBytes), p.storagePerGbHour, GIB),
          times(BigInt(r.gpu), p.gpuPerHour, 1n),
        ].reduce(plus, times(BigInt(r.cpuMillis), p.cpuPerCoreHour, 1000n))
        return isFloorOf(pricePerHour(r, p), exact)
      }),
    )
  })

  it('never falls when more is asked for', () => {
    fc.assert(
      fc.property(resources, prices, (r, p) => {
        const more = { ...r, cpuMillis: r.cpuMillis + 1, gpu: r.gpu + 1 }
        return pricePerHour(more, p) >= pricePerHour(r, p)
      }),
    )
  })

  it('rounds once, at the end', () => {
    const half = { cpuMillis: 500, memoryBytes: Number(GIB / 2n), storageBytes: 0, gpu: 0 }
    const one: Prices = {
      cpuPerCoreHour: 1n,
      memoryPerGbHour: 1n,
      storagePerGbHour: 1n,
      gpuPerHour: 1n,
      networkPerGb: 1n,
      minimumPerJob: 1n,
      volumePerGbHour: 1n,
    }
    assert.equal(pricePerHour(half, one), 1n)
    assert.equal(pricePerHour({ ...half, memoryBytes: Number(GIB / 2n) - 1 }, one), 0n)
  })

  it('charges what a person would reckon', () => {
    const asked = { cpuMillis: 250, memoryBytes: 2 ** 31, storageBytes: 10 * 2 ** 30, gpu: 1 }
    const posted: Prices = {
      cpuPerCoreHour: 40_000_000n,
      memoryPerGbHour: 5_000_000n,
      storagePerGbHour: 100_000n,
      gpuPerHour: DOLLAR,
      networkPerGb: 7n,
      minimumPerJob: 7n,
      volumePerGbHour: 7n,
    }
    assert.equal(formatUsd(pricePerHour(asked, posted)), '1.021')
  })
})

describe('costOf', () => {
  it('is the exact cost rounded down', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, MAX_PRICE_NANO_USD), fc.nat(MAX_DURATION_SECONDS), (perHour, seconds) =>
        isFloorOf(costOf(perHour, seconds), times(perHour, BigInt(seconds), 3600n)),
      ),
    )
  })

  it('fits a receipt at the highest price, for ten times the longest job', () => {
    assert.ok(costOf(MAX_PRICE_NANO_USD, 10 * MAX_DURATION_SECONDS) < U64)
  })

  it('of an hour is the price', () => {
    fc.assert(fc.property(fc.bigInt(0n, MAX_PRICE_NANO_USD), (perHour) => costOf(perHour, 3600) === perHour))
  })
})

const NOTHING: Terms = { pricePerHour: 0n, minimumCharge: 0n, pricePerGb: 0n, volumePerGbHour: 0n }

describe('chargeOf', () => {
  const amount = fc.bigInt(0n, MAX_PRICE_NANO_USD)
  const terms: fc.Arbitrary<Terms> = fc.record(
    { pricePerHour: amount, minimumCharge: amount, pricePerGb: amount, volumePerGbHour: amount },
    PLAIN,
  )
  const networkBytes = fc.nat(2 ** 50)

  it('is nothing for what never ran, and else the use or the minimum, whichever is more', () => {
    fc.assert(
      fc.property(terms, fc.nat(MAX_DURATION_SECONDS), networkBytes, (asked, seconds, bytes) => {
        const charge = chargeOf(asked, { seconds, networkBytes: bytes })
        const use = costOf(asked.pricePerHour, seconds) + (asked.pricePerGb * BigInt(bytes)) / 2n ** 30n
        if (seconds === 0) return charge === 0n
        return charge >= use && charge >= asked.minimumCharge && (charge === use || charge === asked.minimumCharge)
      }),
    )
  })

  it('is within a cap exactly where the effective price is', () => {
    const duration = fc.integer({ min: 1, max: MAX_DURATION_SECONDS })
    fc.assert(
      fc.property(terms, amount, duration, networkBytes, (asked, cap, seconds, bytes) => {
        const perHour = effectivePerHour(asked, { seconds, networkBytes: bytes, keptByteSeconds: 0n })
        const traffic = asked.pricePerGb * BigInt(bytes) * 3600n
        const isWithin =
          traffic <= (cap - asked.pricePerHour) * BigInt(seconds) * 2n ** 30n &&
          asked.minimumCharge * 3600n <= cap * BigInt(seconds)
        return perHour <= cap === isWithin && perHour >= asked.pricePerHour
      }),
    )
  })

  it('is no more for less traffic, and nothing for traffic that has no price', () => {
    fc.assert(
      fc.property(terms, fc.nat(MAX_DURATION_SECONDS), networkBytes, networkBytes, (asked, seconds, a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a]
        const free = { ...asked, pricePerGb: 0n }
        return (
          chargeOf(asked, { seconds, networkBytes: less }) <= chargeOf(asked, { seconds, networkBytes: more }) &&
          chargeOf(free, { seconds, networkBytes: more }) === chargeOf(free, { seconds, networkBytes: 0 })
        )
      }),
    )
  })

  it('counts what a job leaves at the price of volumes for as long as it is kept, in the cap and in the most that it costs', () => {
    const duration = fc.integer({ min: 1, max: MAX_DURATION_SECONDS })
    fc.assert(
      fc.property(terms, duration, fc.nat(2 ** 40), fc.nat(31_536_000), (asked, seconds, bytes, keep) => {
        const used = { seconds, networkBytes: 0 }
        const most = { ...used, keptByteSeconds: BigInt(bytes) * BigInt(keep) }
        const kept = (asked.volumePerGbHour * BigInt(bytes) * BigInt(keep)) / (2n ** 30n * 3600n)
        assert.equal(mostCharge(asked, most) - chargeOf(asked, used), kept)
        const perHour = effectivePerHour(asked, most) - effectivePerHour(asked, { ...most, keptByteSeconds: 0n })
        // Spread over the job it is what the keeping costs, rounded up.
        return (
          (perHour * BigInt(seconds)) / 3600n >= kept &&
          perHour * BigInt(seconds) < (kept + BigInt(seconds) + 1n) * 3600n
        )
      }),
    )
  })

  it('reads records from before minimum charges and prices of traffic and volumes', () => {
    assert.deepEqual(termsOf({ pricePerHour: '7' }), { ...NOTHING, pricePerHour: 7n })
    const all = { pricePerHour: '7', minimumCharge: '3', pricePerGb: '5', volumePerGbHour: '9' }
    assert.deepEqual(termsOf(all), { pricePerHour: 7n, minimumCharge: 3n, pricePerGb: 5n, volumePerGbHour: 9n })
    assert.deepEqual(storedTerms(termsOf(all)), all)
    assert.deepEqual(storedTerms(termsOf({ pricePerHour: '7' })), { pricePerHour: '7', minimumCharge: '0' })
  })
})

describe('meteredSeconds', () => {
  const cases: [ms: number, seconds: number][] = [
    [-1, 0],
    [0, 0],
    [0.5, 1],
    [1, 1],
    [999, 1],
    [1000, 1],
    [1001, 2],
    [3_600_000, 3600],
  ]
  for (const [ms, seconds] of cases) {
    it(`bills ${ms} ms as ${seconds} s`, () => assert.equal(meteredSeconds(ms), seconds))
  }
})
