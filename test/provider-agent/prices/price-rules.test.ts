import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MAX_PRICE_NANO_USD } from '../../../protocol/limits.ts'
import { DEFAULT_PRICES } from '../../../provider-agent/prices/default-prices.ts'
import { createPriceList, parsePriceRule } from '../../../provider-agent/prices/price-rules.ts'

const PEER = `12D3KooW${'a'.repeat(44)}`
const OTHER = `12D3KooW${'b'.repeat(44)}`

/** What one core costs for an hour under these rules, of 1,000 nano-dollars. */
function priced(rules: string[], when: string, client: string | null = null, timeZone = 'UTC'): bigint {
  const parsed = rules.map((text) => {
    const rule = parsePriceRule(text)
    assert.ok(rule, text)
    return rule
  })
  const list = createPriceList({ ...DEFAULT_PRICES, cpuPerCoreHour: 1_000n }, parsed, timeZone)
  const atMs = Date.parse(when)
  return (client === null ? list.posted(atMs) : list.forClient(atMs, client)).cpuPerCoreHour
}

// 2026-11-25 is a Wednesday.
const CASES: [rules: string[], when: string, client: string | null, price: bigint][] = [
  [[], '2026-11-25T12:00Z', null, 1_000n],
  [['22:00-06:00 x0.5'], '2026-11-25T21:59Z', null, 1_000n],
  [['22:00-06:00 x0.5'], '2026-11-25T22:00Z', null, 500n],
  [['22:00-06:00 x0.5'], '2026-11-26T05:59Z', null, 500n],
  [['22:00-06:00 x0.5'], '2026-11-26T06:00Z', null, 1_000n],
  [['00:00-24:00 x2'], '2026-11-25T23:59Z', null, 2_000n],
  [['09:00-17:00 x1.25'], '2026-11-25T09:00Z', null, 1_250n],
  [['09:00-17:00 x1.25'], '2026-11-25T17:00Z', null, 1_000n],
  [['sat,sun x0.8'], '2026-11-28T12:00Z', null, 800n],
  [['sat,sun x0.8'], '2026-11-27T12:00Z', null, 1_000n],
  [['fri-mon x0.8'], '2026-11-30T12:00Z', null, 800n],
  [['fri-mon x0.8'], '2026-12-01T12:00Z', null, 1_000n],
  // A night belongs to the day on which it begins.
  [['sat 22:00-06:00 x0.5'], '2026-11-29T05:00Z', null, 500n],
  [['sat 22:00-06:00 x0.5'], '2026-11-28T05:00Z', null, 1_000n],
  [[`client=${PEER} x0.9`], '2026-11-25T12:00Z', PEER, 900n],
  [[`client=${PEER} x0.9`], '2026-11-25T12:00Z', OTHER, 1_000n],
  [[`client=${PEER} x0.9`], '2026-11-25T12:00Z', null, 1_000n],
  [[`client=${PEER} x0`], '2026-11-25T12:00Z', PEER, 0n],
  [['sat,sun x0.5', '22:00-06:00 x0.5', `client=${PEER} x0.5`], '2026-11-28T23:00Z', PEER, 125n],
]

/** The minimum charge under these rules, of 100 nano-dollars. */
function minimum(rules: string[], client: string | null): bigint {
  const parsed = rules.map(parsePriceRule).filter((rule) => rule !== null)
  assert.equal(parsed.length, rules.length)
  const list = createPriceList({ ...DEFAULT_PRICES, minimumPerJob: 100n }, parsed, 'UTC')
  const atMs = Date.parse('2026-11-28T12:00Z')
  return (client === null ? list.posted(atMs) : list.forClient(atMs, client)).minimumPerJob
}

const MINIMUMS: [rules: string[], client: string | null, minimum: bigint][] = [
  [[], null, 100n],
  [['sat x0.5'], null, 100n],
  [['mon min=0.000000050'], null, 100n],
  [['sat min=0.000000050'], null, 50n],
  [['sat x2 min=0.000000300'], null, 300n],
  [['sat min=0.000000300', `client=${PEER} min=0`], PEER, 0n],
  [[`client=${PEER} min=0`, 'sat min=0.000000300'], OTHER, 300n],
]

describe('price rules', () => {
  for (const [rules, client, expected] of MINIMUMS) {
    it(`${rules.join(' and ') || 'none'}, ${client ?? 'everyone'}: at least ${expected}`, () => {
      assert.equal(minimum(rules, client), expected)
    })
  }

  for (const [rules, when, client, price] of CASES) {
    it(`${rules.join(' and ') || 'none'}, ${when}, ${client ?? 'everyone'}: ${price}`, () => {
      assert.equal(priced(rules, when, client), price)
    })
  }

  it('are read in their time zone, summer time included', () => {
    assert.equal(priced(['09:00-10:00 x2'], '2026-07-01T07:30Z', null, 'Europe/Berlin'), 2_000n)
    assert.equal(priced(['09:00-10:00 x2'], '2026-12-01T08:30Z', null, 'Europe/Berlin'), 2_000n)
    assert.equal(priced(['09:00-10:00 x2'], '2026-12-01T07:30Z', null, 'Europe/Berlin'), 1_000n)
  })

  it('never ask more than a price may be', () => {
    const rule = parsePriceRule('00:00-24:00 x100')
    assert.ok(rule)
    const prices = createPriceList({ ...DEFAULT_PRICES, gpuPerHour: MAX_PRICE_NANO_USD }, [rule], 'UTC').posted(0)
    assert.equal(prices.gpuPerHour, MAX_PRICE_NANO_USD)
  })

  const wrong = [
    '',
    'x0.5',
    '22:00-06:00',
    '22:00-06:00 x',
    '22:00-06:00 x-1',
    '22:00-06:00 x101',
    '22:00-06:00 x0.1234',
    '25:00-06:00 x1',
    '10:60-11:00 x1',
    '10:00-10:00 x1',
    'noday x1',
    'sat-sun-mon x1',
    'client=me x1',
    'sat sun x1',
    'min=1',
    'sat min=',
    'sat min=-1',
    'sat min=1 x2',
    'sat min=1 min=2',
    'sat min=1000000.000000001',
    '01:00-02:00 03:00-04:00 x1',
  ]
  for (const text of wrong) it(`refuses "${text}"`, () => assert.equal(parsePriceRule(text), null))

  it('hold in each minute of a window and in no other', () => {
    const minute = fc.integer({ min: 0, max: 1_439 })
    const clock = (at: number): string =>
      `${String(Math.floor(at / 60)).padStart(2, '0')}:${String(at % 60).padStart(2, '0')}`
    fc.assert(
      fc.property(minute, minute, minute, (from, to, now) => {
        fc.pre(from !== to)
        const inside = from < to ? now >= from && now < to : now >= from || now < to
        const price = priced([`${clock(from)}-${clock(to)} x3`], `2026-11-25T${clock(now)}Z`)
        assert.equal(price, inside ? 3_000n : 1_000n)
      }),
    )
  })
})

describe('prices of models', () => {
  const list = createPriceList(
    { ...DEFAULT_PRICES, gpuPerHour: 500n },
    [parsePriceRule('client=12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5 x0.5')].filter(
      (rule) => rule !== null,
    ),
    'UTC',
    [
      { model: 'a100 80gb', pricePerHour: 2_000n },
      { model: 'a100', pricePerHour: 1_000n },
    ],
  )
  const cases: [model: string | undefined, price: bigint][] = [
    ['NVIDIA A100-SXM4-80GB', 2_000n],
    ['NVIDIA A100-SXM4-40GB', 1_000n],
    ['Tesla T4', 500n],
    [undefined, 500n],
  ]
  for (const [model, price] of cases) {
    it(`of ${model}`, () => {
      assert.equal(list.posted(0, model).gpuPerHour, price)
      const half = list.forClient(0, '12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5', model).gpuPerHour
      assert.equal(half, price / 2n, 'rules change those, too')
    })
  }
})
