import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { recentShare } from '../../../gateway/contract/webhook-words.ts'
import { bytes, bytesOf, cores, number, usd } from '../../../gateway/dashboard/src/format/amounts.ts'
import { between, exact, relative, span } from '../../../gateway/dashboard/src/format/time.ts'
import { NEVER, readCron } from '../../../gateway/dashboard/src/schedules/cron.ts'

/** What is wrong with a schedule; its words where nothing is. */
const cronSays = (text: string): string => {
  const reading = readCron(text, 'UTC')
  return 'problem' in reading ? reading.problem : reading.words
}

const cases: [what: string, got: string | number, wanted: string | number][] = [
  ['half a core', cores(500), '0.5 cores'],
  ['a core', cores(1000), '1 core'],
  ['cores that are not known', cores(undefined), '–'],
  ['no bytes', bytes(0), '0 B'],
  ['bytes below a KiB', bytes(1023), '1,023 B'],
  ['an amount as jobs have it', bytes('512Mi'), '512 MiB'],
  ['less than ten of a unit', bytes(1.5 * 1024 ** 3), '1.5 GiB'],
  ['more than the largest unit', bytes(5000 * 1024 ** 5), '5,000 PiB'],
  ['what is no amount', bytes('much'), '–'],
  ['bytes of nothing', bytes(null), '–'],
  ['an amount in bytes', bytesOf('1Ki'), 1024],
  ['no amount in bytes', bytesOf(undefined), 0],
  ['thousands', number(1_234_567), '1,234,567'],
  ['no cost', usd(0), '$0'],
  ['a cost that is not known', usd(null), '–'],
  ['a tiny cost', usd(0.0000123456), '$0.0000123'],
  ['a cost of cents', usd(0.0123456), '$0.0123'],
  ['a cost of dollars', usd(1234.5), '$1,234.50'],
  ['no time', span(0), '0 s'],
  ['a time before it began', span(-5), '0 s'],
  ['seconds', span(59.9), '59 s'],
  ['a minute', span(60), '1 min'],
  ['two units at most', span(3 * 86_400 + 4 * 3600 + 5 * 60 + 6), '3 d 4 h'],
  ['a unit that is empty between two', span(86_400 + 61), '1 d'],
  ['milliseconds', between(0, 120), '120 ms'],
  ['tenths of a second', between(0, 3_240), '3.2 s'],
  ['minutes', between(1_000, 261_000), '4 min 20 s'],
  ['clocks that differ', between(500, 0), '0 ms'],
  ['just now', relative(1_000, 2_000), 'now'],
  ['some time ago', relative(0, 300_000), '5 min ago'],
  ['some time ahead', relative(7_200_000, 0), 'in 2 h'],
  ['a share that floats fall short of', recentShare({ recent: { delivered: 29, failed: 71 } }) ?? '', '29% of 100'],
  ['a schedule', cronSays(' @daily '), 'At 00:00'],
  ['one day alone', cronSays('2099-01-01T00:00:00').slice(0, 24), 'It must have five fields'],
  ['a month that has no such day', cronSays('0 0 31 2 *'), NEVER],
  ['a day from 1', cronSays('0 0 32 * *').slice(-14), 'write 1 to 31.'],
  ['days ago', relative(0, 3 * 86_400_000), '3 d ago'],
]

describe('how the dashboard writes numbers', () => {
  for (const [what, got, wanted] of cases) it(what, () => assert.equal(got, wanted))

  it('a time in full, with its zone', () => {
    assert.match(exact('2026-01-31T12:34:56.000Z'), /31 Jan 2026.*:34:56 \S+/)
  })
})
