import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { amountMarks, columnsOf, nearest, pointAt } from '../../../gateway/dashboard/src/charts/columns.ts'
import { closer, dragged, moved, rangeOf, wider, zoomOf } from '../../../gateway/dashboard/src/charts/time-range.ts'
import { costsSearchOf } from '../../../gateway/dashboard/src/costs/costs-search.ts'
import {
  metricsQueryOf,
  resolutionOf,
  shownPeriod,
  wholeOf,
} from '../../../gateway/dashboard/src/jobs/page/metric-query.ts'

const STEP = 5_000
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const line = (...times: number[]) => ({ name: 'Used', points: times.map((at) => ({ at, value: at / STEP })) })

describe('lines of a chart', () => {
  it('are broken off where nothing was measured for a while, and not where a sample or two are late', () => {
    assert.deepEqual(columnsOf([line(0, 5_000, 10_000, 60_000, 65_000)], STEP), [
      [0, 5_000, 10_000, 15_000, 60_000, 65_000],
      [0, 1, 2, null, 12, 13],
    ])
    assert.deepEqual(columnsOf([line(0, 5_000, 20_000)], STEP)[1], [0, 1, 4])
    // Those of a provider that measures every ten seconds.
    assert.deepEqual(columnsOf([line(0, 10_000, 20_000, 40_000)], STEP)[1], [0, 2, 4, 8])
  })

  it('have times of their own', () => {
    assert.deepEqual(columnsOf([line(0, 5_000), line(5_000)], STEP), [
      [0, 5_000],
      [0, 1],
      [undefined, 1],
    ])
    assert.deepEqual(columnsOf([line()], STEP), [[], []])
  })

  it('are read at the moment that is pointed at', () => {
    const { points } = line(0, 5_000, 60_000)
    assert.deepEqual(pointAt(points, 6_000, STEP), { at: 5_000, value: 1 })
    assert.equal(pointAt(points, 30_000, STEP), null)
    assert.equal(pointAt([], 0, STEP), null)
    for (const [at, index] of [
      [-1, 0],
      [2_500, 1],
      [2_499, 0],
      [99_999, 2],
    ] as const) {
      assert.equal(
        nearest(points.length, (i) => points[i]?.at ?? 0, at),
        index,
        `${at}`,
      )
    }
  })

  it('have marks at amounts that people count in', () => {
    const cases: [top: number, isBytes: boolean, marks: number[]][] = [
      [1000, false, [0, 250, 500, 750, 1000]],
      [1080, false, [0, 500, 1000]],
      [0.3, false, [0, 0.1, 0.2, 0.30000000000000004]],
      [512, true, [0, 128, 256, 384, 512]],
      [600, true, [0, 256, 512]],
      [0, false, [0]],
      [Number.NaN, true, [0]],
    ]
    // Of bytes there are whole ones.
    assert.deepEqual(amountMarks(1, true), [0, 1])
    for (const [top, isBytes, marks] of cases) assert.deepEqual(amountMarks(top, isBytes), marks, `${top}`)
  })
})

describe('the part of the time that is looked at', () => {
  const whole = { from: 0, to: HOUR }

  it('is in the address, where that makes sense', () => {
    assert.deepEqual(rangeOf(zoomOf({ from: 1_000, to: 2_000 })), { from: 1_000, to: 2_000 })
    for (const bad of [
      {},
      { from: 1 },
      { from: 2, to: 1 },
      { from: '1', to: 2 },
      { from: -1, to: 2 },
      { from: 0, to: 1e300 },
    ]) {
      assert.equal(rangeOf(zoomOf(bad)), null, JSON.stringify(bad))
    }
  })

  it('is dragged either way, and never shorter than a chart can show', () => {
    assert.deepEqual(dragged(40_000.4, 20_000.2), { from: 20_000, to: 40_000 })
    assert.deepEqual(dragged(20_000, 20_001), { from: 15_001, to: 25_001 })
  })

  it('is halved, doubled and moved within the whole', () => {
    assert.deepEqual(closer(whole), { from: 15 * MINUTE, to: 45 * MINUTE })
    assert.deepEqual(wider({ from: 10 * MINUTE, to: 20 * MINUTE }, whole), { from: 5 * MINUTE, to: 25 * MINUTE })
    assert.equal(wider({ from: MINUTE, to: HOUR }, whole), null)
    const part = { from: 10 * MINUTE, to: 50 * MINUTE }
    assert.deepEqual(moved(part, -1, whole), { from: 0, to: 40 * MINUTE })
    assert.deepEqual(moved(part, 1, whole), { from: 20 * MINUTE, to: HOUR })
    assert.deepEqual(moved({ from: 0, to: HOUR }, 1, whole), whole)
  })

  it('of the costs is in the address with what they are shown by', () => {
    assert.deepEqual(costsSearchOf({ period: '7d', by: 'label', label: 'team', from: 1, to: 2 }), {
      ...{ period: '7d', by: 'label', label: 'team', from: 1, to: 2 },
    })
    assert.deepEqual(costsSearchOf({ period: 'toString', by: 'day', label: '', from: 2, to: 1 }), {})
    assert.deepEqual(costsSearchOf({ from: 0, to: 367 * 24 * HOUR }), {})
  })
})

describe('the time that metrics of a job show', () => {
  const at = (ms: number): string => new Date(ms).toISOString()
  const job = { attempt: 1, createdAt: at(0), startedAt: at(10_000), endedAt: null }

  it('is no longer than the job has been there', () => {
    assert.deepEqual(wholeOf(job, '1h', 61_000), { from: 10_000, to: 65_000 })
    assert.deepEqual(wholeOf({ ...job, attempt: 2 }, '1h', 61_000), { from: 0, to: 65_000 })
    assert.deepEqual(wholeOf(job, '1h', 3 * HOUR), { from: 2 * HOUR, to: 3 * HOUR })
    assert.deepEqual(wholeOf(job, 'all', 3 * HOUR), { from: 10_000, to: 3 * HOUR })
    assert.deepEqual(wholeOf({ ...job, endedAt: at(11_000) }, '1h', HOUR), { from: 1_000, to: 11_000 })
    assert.equal(shownPeriod('2y'), '1h')
  })

  it('has as many points as a screen can show, more where it is looked at closer', () => {
    const cases: [hours: number, resolution: string][] = [
      [1, '5s'],
      [6, '1m'],
      [24, '1m'],
      [168, '5m'],
      [720, '1h'],
      [9_000, '1h'],
    ]
    for (const [hours, resolution] of cases)
      assert.equal(resolutionOf({ from: 0, to: hours * HOUR }), resolution, `${hours}`)
    const part = { from: HOUR, to: 2 * HOUR }
    assert.deepEqual(metricsQueryOf({ from: 0, to: 24 * HOUR }, part), {
      ...{ from: new Date(HOUR - 5_000), to: new Date(2 * HOUR + 5_000), resolution: '5s' },
    })
    assert.equal(metricsQueryOf({ from: 0, to: 24 * HOUR }, null).to, undefined)
  })
})
