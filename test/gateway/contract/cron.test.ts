import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readCron } from '../../../gateway/contract/cron.ts'

const at = (iso: string) => Date.parse(iso)

describe('cron', () => {
  it('knows five and six fields, names and nicknames', () => {
    const cases: [string, string, string[]][] = [
      ['*/15 * * * *', 'UTC', ['2026-01-01T00:15:00Z', '2026-01-01T00:30:00Z']],
      ['30 0 3 * * *', 'UTC', ['2026-01-01T03:00:30Z', '2026-01-02T03:00:30Z']],
      ['0 9 * * MON-FRI', 'UTC', ['2026-01-01T09:00:00Z', '2026-01-02T09:00:00Z', '2026-01-05T09:00:00Z']],
      ['0 0 1 FEB *', 'UTC', ['2026-02-01T00:00:00Z', '2027-02-01T00:00:00Z']],
      ['@daily', 'UTC', ['2026-01-02T00:00:00Z']],
      ['@hourly', 'Asia/Kolkata', ['2026-01-01T00:30:00Z']],
    ]
    for (const [schedule, timezone, expected] of cases) {
      const ticks = readCron(schedule, timezone).preview(at('2026-01-01T00:00:00Z'), expected.length)
      assert.deepEqual(ticks, expected.map(at), schedule)
    }
  })

  it('keeps its local hour over daylight saving', () => {
    const daily = readCron('0 9 * * *', 'Europe/Berlin')
    assert.equal(daily.next(at('2026-03-28T12:00:00Z')), at('2026-03-29T07:00:00Z'))
    assert.equal(daily.next(at('2026-10-24T12:00:00Z')), at('2026-10-25T08:00:00Z'))
    const skipped = readCron('30 2 * * *', 'Europe/Berlin').preview(at('2026-03-28T12:00:00Z'), 2)
    assert.equal(new Set(skipped).size, 2)
    const doubled = readCron('30 2 * * *', 'Europe/Berlin').preview(at('2026-10-24T12:00:00Z'), 2)
    assert.ok((doubled[1] ?? 0) - (doubled[0] ?? 0) >= 23 * 3_600_000, 'the hour that comes twice ticks once')
  })

  it('refuses what it cannot read, saying which field is wrong', () => {
    const cases: [string, string, string][] = [
      ['* * * *', 'UTC', 'schedule'],
      ['61 * * * *', 'UTC', 'schedule'],
      ['* * * * * * * *', 'UTC', 'schedule'],
      ['@sometimes', 'UTC', 'schedule'],
      ['2026-01-01T00:00:00Z', 'UTC', 'schedule'],
      ['', 'UTC', 'schedule'],
      ['@daily', 'Middle/Earth', 'timezone'],
    ]
    for (const [schedule, timezone, field] of cases) {
      assert.throws(() => readCron(schedule, timezone), { code: 'INVALID_SCHEDULE', field }, `${schedule} ${timezone}`)
    }
  })
})
