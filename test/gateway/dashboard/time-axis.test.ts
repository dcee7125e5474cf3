import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { daysBetween, timeMarks } from '../../../gateway/dashboard/src/format/time-axis.ts'

const START = new Date(2026, 0, 31, 11, 58, 20).getTime()
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

describe('the marks of an axis of times', () => {
  const cases: [string, number, string[]][] = [
    ['seconds', 20_000, ['11:58:20', '11:58:25', '11:58:30', '11:58:35', '11:58:40']],
    ['minutes', 6 * MINUTE, ['11:59', '12:00', '12:01', '12:02', '12:03', '12:04']],
    ['an hour', 60 * MINUTE, ['12:00', '12:15', '12:30', '12:45']],
    ['a day, with its date', DAY, ['12:00', '15:00', '18:00', '21:00', '1 Feb', '03:00', '06:00', '09:00']],
    ['a week', 7 * DAY, ['1 Feb', '2 Feb', '3 Feb', '4 Feb', '5 Feb', '6 Feb', '7 Feb']],
  ]
  for (const [name, length, expected] of cases) {
    it(`entry 47: are round times as far apart as these are: ${name}`, () => {
      const { ticks, format } = timeMarks(START, START + length)
      assert.deepEqual(ticks.map(format), expected)
      const steps = new Set(ticks.slice(1).map((tick, i) => tick - (ticks[i] ?? 0)))
      assert.ok(steps.size <= 1)
      assert.ok(ticks.every((tick) => tick >= START && tick <= START + length))
    })
  }

  it('are few, over any time', () => {
    for (const length of [0, 1, 1_000, DAY, 400 * DAY, 40_000 * DAY]) {
      assert.ok(timeMarks(START, START + length).ticks.length <= 9, `${length}`)
    }
  })

  it('entry 47: leave out no day', () => {
    assert.deepEqual(daysBetween('2026-02-27', '2026-03-02'), ['2026-02-27', '2026-02-28', '2026-03-01', '2026-03-02'])
    assert.deepEqual(daysBetween('', ''), [])
  })
})
