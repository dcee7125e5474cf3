import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import {
  dayMarks,
  daysBetween,
  lastDays,
  timeMarks,
  wholeDays,
} from '../../../gateway/dashboard/src/format/time-axis.ts'

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

  it('are as clocks show them where these are changed', () => {
    const module = new URL('../../../gateway/dashboard/src/format/time-axis.ts', import.meta.url)
    const program = `const { dayRange, lastDays, timeMarks, wholeDays } = await import(${JSON.stringify(module)})
    const { from, to } = dayRange('2026-10-25')
    const shown = (from, to) => { const { ticks, format } = timeMarks(from, to); return ticks.map(format) }
    const days = lastDays(3, from + 1)
    console.log(JSON.stringify([
      (to - from) / 3_600_000, shown(from, to), shown(dayRange('2026-03-29').from, dayRange('2026-03-29').to),
      shown(dayRange('2026-10-23').from, to), (days.to - days.from) / 3_600_000,
      wholeDays({ from: from + 5, to: to - 5 }).to === to, shown(from, from + 4 * 3_600_000),
    ]))`
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, TZ: 'Europe/Berlin' },
      encoding: 'utf8',
    })
    assert.deepEqual(JSON.parse(out), [
      25,
      ['25 Oct', '06:00', '12:00', '18:00', '26 Oct'],
      ['29 Mar', '03:00', '06:00', '09:00', '12:00', '15:00', '18:00', '21:00', '30 Mar'],
      ['23 Oct', '12:00', '24 Oct', '12:00', '25 Oct', '12:00', '26 Oct'],
      73,
      true,
      ['25 Oct', '00:30', '01:00', '01:30', '02:00', '02:30', '02:00', '02:30', '03:00'],
    ])
  })

  it('are in the middle of days where amounts are by the day', () => {
    const { from, to } = lastDays(3, START)
    const { ticks, format } = dayMarks(from, to)
    assert.deepEqual(
      [ticks.map(format), ticks.map((tick) => new Date(tick).getHours())],
      [
        ['29 Jan', '30 Jan', '31 Jan'],
        [12, 12, 12],
      ],
    )
    assert.deepEqual(dayMarks(from, to, 2).ticks.map(format), ['29 Jan', '31 Jan'])
    assert.deepEqual(dayMarks(Number.NaN, to).ticks, [])
  })

  it('are whole days of the viewer', () => {
    const days = lastDays(2, START)
    assert.deepEqual([new Date(days.from).getDate(), new Date(days.to).getDate()], [30, 1])
    assert.deepEqual(wholeDays({ from: START, to: START + 1 }), lastDays(1, START))
    assert.deepEqual(wholeDays(days), days)
  })

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
