import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createOpeningHours, parseHours } from '../../../provider-agent/hours/opening-hours.ts'
import { createAgentRig } from '../../support/agent-rig.ts'

const HOUR_MS = 3_600_000

/** Hours that a machine stays open from a moment on, written as ISO 8601. */
function openFor(when: string, texts: string[], timeZone = 'UTC'): number {
  return createOpeningHours(texts, timeZone).openForMs(Date.parse(when)) / HOUR_MS
}

describe('opening hours', () => {
  const cases: [when: string, texts: string[], hours: number, timeZone?: string][] = [
    ['2026-11-27T17:59:59Z', ['Mon-Fri 18:00-08:00'], 0],
    // A Friday evening's window ends on Saturday morning, and that is the last of the week.
    ['2026-11-27T18:00:00Z', ['Mon-Fri 18:00-08:00'], 14],
    ['2026-11-28T07:30:00Z', ['Mon-Fri 18:00-08:00'], 0.5],
    ['2026-11-28T18:00:00Z', ['Mon-Fri 18:00-08:00'], 0],
    ['2026-11-27T18:00:00Z', ['mon-fri 18:00-08:00', 'sat,sun'], 54],
    ['2026-11-28T12:00:00Z', ['sat,sun'], 36],
    ['2026-11-28T12:07:30Z', ['12:00-12:08'], 0.5 / 60],
    ['2026-11-28T12:00:00Z', [], Number.POSITIVE_INFINITY],
    ['2026-11-28T12:00:00Z', ['mon-sun'], Number.POSITIVE_INFINITY],
    ['2026-11-28T12:00:00Z', ['00:00-12:00', '12:00-24:00'], Number.POSITIVE_INFINITY],
    // The night on which clocks are set back has an hour more, and the one on which they are set forward one less.
    ['2026-10-24T20:00:00Z', ['22:00-06:00'], 9, 'Europe/Berlin'],
    ['2026-03-28T21:00:00Z', ['22:00-06:00'], 7, 'Europe/Berlin'],
  ]
  for (const [when, texts, hours, timeZone] of cases) {
    it(`${texts.join(', ') || 'always'} at ${when}${timeZone === undefined ? '' : ` in ${timeZone}`}`, () => {
      assert.ok(Math.abs(openFor(when, texts, timeZone) - hours) < 1e-9 || openFor(when, texts, timeZone) === hours)
    })
  }

  it('answer the same whatever was asked before', () => {
    const texts = ['Mon-Fri 18:00-08:00', 'sun 09:30-10:10']
    const asked = createOpeningHours(texts, 'Europe/Berlin')
    fc.assert(
      fc.property(fc.integer({ min: Date.parse('2026-01-01'), max: Date.parse('2026-12-31') }), (nowMs) => {
        assert.equal(asked.openForMs(nowMs), createOpeningHours(texts, 'Europe/Berlin').openForMs(nowMs))
      }),
      { numRuns: 200 },
    )
  })

  it('are none of those: refused', () => {
    for (const text of ['', 'monday', '18:00', '25:00-26:00', '18:00-18:00', 'mon 1:00-2:00 x2', 'mon tue', '-']) {
      assert.equal(parseHours(text), null, text)
    }
    assert.throws(() => createOpeningHours(['monday']), /monday are no opening hours/)
  })
})

describe('an agent with opening hours', () => {
  it('takes only what ends within them, extends nothing beyond, and says when it is closed', async (test) => {
    const rig = await createAgentRig({ hours: ['mon-sun 00:00-23:00'], timeZone: 'UTC' })
    test.after(() => rig.stop())
    const hour = new Date(rig.clock.nowMs())
    const closesMs = hour.setUTCHours(23, 0, 0, 0)
    const openSeconds = (): number => Math.floor((closesMs - rig.clock.nowMs()) / 1000)
    await rig.clock.advance(closesMs - rig.clock.nowMs() - 2 * HOUR_MS)

    const long = await (await rig.requester.ask({ duration: openSeconds() + 60 })).answer()
    assert.equal(long.decline?.code, 'OUTSIDE_HOURS')
    const { follow } = await rig.run({ duration: openSeconds() - 60 })
    await follow.report('started')
    await follow.command({ case: 'extend', value: { commandId: 'e', additionalSeconds: 120 } })
    const { content } = await follow.message((message) => message.content.case === 'reply')
    assert.ok(content.case === 'reply')
    assert.deepEqual([content.value.ok, content.value.code], [false, 'EXTENSION_REFUSED'])
    assert.match(content.value.message, /^This provider closes in \d+ s, \d+ s asked$/)

    await rig.clock.advance(closesMs - rig.clock.nowMs())
    assert.equal(rig.agent.status().paused, 'is closed: it takes jobs mon-sun 00:00-23:00 (UTC)')
    assert.equal((await (await rig.requester.ask()).answer()).decline?.code, 'OUTSIDE_HOURS')
    await rig.clock.advance(HOUR_MS)
    assert.equal(rig.agent.status().paused, null)
  })
})
