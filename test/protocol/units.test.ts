import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  addResources,
  describeAmount,
  fits,
  formatBytes,
  NO_RESOURCES,
  parseBytes,
  type ResourceKind,
  type Resources,
  shortages,
  shownBytes,
  subtractResources,
} from '../../protocol/units.ts'

const AMOUNTS: [text: string | number, bytes: number][] = [
  ['0', 0],
  ['1', 1],
  ['512Mi', 536_870_912],
  ['2Gi', 2_147_483_648],
  ['1.5Gi', 1_610_612_736],
  ['0.5Ki', 512],
  ['1.125Ki', 1152],
  ['2.000', 2],
  ['1Ti', 1_099_511_627_776],
  ['8191Ti', 8191 * 2 ** 40],
  ['007', 7],
  ['9007199254740991', 2 ** 53 - 1],
  [2048, 2048],
  [0, 0],
  [-0, 0],
]

const NO_AMOUNTS: (string | number)[] = [
  '',
  ' ',
  '512MB',
  '512mi',
  '512 Mi',
  ' 512Mi',
  '512Mi\n',
  '-1',
  '+1',
  '1e3',
  '.5Gi',
  '1.Gi',
  '1.0001Gi',
  '1.5',
  '0.3Ki',
  '1,5Gi',
  '0x10',
  'Mi',
  '١Mi',
  '8192Ti',
  '9007199254740992',
  '9'.repeat(1_000_000),
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  1e21,
  2 ** 53,
]

describe('parseBytes', () => {
  for (const [text, bytes] of AMOUNTS) {
    it(`reads ${JSON.stringify(text)}`, () => assert.equal(parseBytes(text), bytes))
  }

  it('refuses what is no whole amount', () => {
    for (const text of NO_AMOUNTS) assert.equal(parseBytes(text), null, String(text).slice(0, 40))
  })

  it('reads what formatBytes writes, for every amount', () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseBytes(formatBytes(bytes)) === bytes))
  })

  it('agrees with whole multiples of every unit', () => {
    const units = fc.constantFrom(['Ki', 2 ** 10], ['Mi', 2 ** 20], ['Gi', 2 ** 30], ['Ti', 2 ** 40]) as fc.Arbitrary<
      [string, number]
    >
    fc.assert(fc.property(units, fc.nat(8191), ([unit, factor], n) => parseBytes(`${n}${unit}`) === n * factor))
  })

  it('answers an amount or null for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = parseBytes(text)
        return bytes === null || (Number.isSafeInteger(bytes) && bytes >= 0)
      }),
    )
  })
})

it('shows people amounts with their unit, one digit behind the point', () => {
  for (const [bytes, text] of [
    [0, '0B'],
    [1000, '1000B'],
    [1024, '1Ki'],
    [2 ** 31, '2Gi'],
    [3_941_072_896, '3.7Gi'],
    [2 ** 20 - 1, '1024Ki'],
    [2 ** 53 - 1, '8192Ti'],
  ] as const) {
    assert.equal(shownBytes(bytes), text)
  }
})

describe('formatBytes', () => {
  const cases: [bytes: number, text: string][] = [
    [0, '0'],
    [1, '1'],
    [1000, '1000'],
    [1024, '1Ki'],
    [1536 * 2 ** 20, '1536Mi'],
    [2 ** 31, '2Gi'],
    [64 * 2 ** 40, '64Ti'],
    [2 ** 53 - 1, '9007199254740991'],
  ]
  for (const [bytes, text] of cases) it(`writes ${text}`, () => assert.equal(formatBytes(bytes), text))
})

describe('resources', () => {
  const amount = fc.nat(2 ** 40)
  const resources: fc.Arbitrary<Resources> = fc.record(
    {
      cpuMillis: amount,
      memoryBytes: amount,
      storageBytes: amount,
      gpu: amount,
    },
    { noNullPrototype: true },
  )

  it('come back after adding and taking away', () => {
    fc.assert(
      fc.property(resources, resources, (a, b) => {
        assert.deepEqual(subtractResources(addResources(a, b), b), a)
        assert.deepEqual(addResources(a, b), addResources(b, a))
        assert.deepEqual(addResources(a, NO_RESOURCES), a)
      }),
    )
  })

  it('fit exactly where nothing is short', () => {
    fc.assert(
      fc.property(resources, resources, (wanted, available) => {
        const left = subtractResources(available, wanted)
        assert.equal(
          fits(wanted, available),
          Object.values(left).every((rest) => rest >= 0),
        )
        assert.ok(fits(wanted, addResources(wanted, available)))
      }),
    )
  })

  it('name each kind that is short', () => {
    const has: Resources = { cpuMillis: 1000, memoryBytes: 1000, storageBytes: 1000, gpu: 0 }
    assert.deepEqual(shortages(has, has), [])
    assert.deepEqual(shortages({ ...has, cpuMillis: 1001 }, has), ['cpuMillis'])
    assert.deepEqual(shortages({ ...has, memoryBytes: 1001, gpu: 1 }, has), ['memoryBytes', 'gpu'])
  })

  const amounts: [ResourceKind, number, string][] = [
    ['cpuMillis', 500, '500m CPU'],
    ['memoryBytes', 2 ** 31, '2Gi memory'],
    ['memoryBytes', 300 * 2 ** 20, '300Mi memory'],
    ['storageBytes', 1.25 * 2 ** 30, '1.3Gi storage'],
    ['storageBytes', 10 * 2 ** 10, '10Ki storage'],
    ['memoryBytes', 1000, '1000B memory'],
    ['gpu', 1, '1 GPU'],
  ]
  for (const [kind, value, text] of amounts) {
    it(`read ${text}`, () => assert.equal(describeAmount(kind, value), text))
  }
})
