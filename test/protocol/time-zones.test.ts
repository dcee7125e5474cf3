import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { offsetOf, readTimeZone } from '../../protocol/time-zones.ts'

const MEANT: [typed: string, zone: string][] = [
  ['Europe/Berlin', 'Europe/Berlin'],
  ['  europe/berlin ', 'Europe/Berlin'],
  ['Asia/Calcutta', 'Asia/Calcutta'],
  ['Asia/Kolkata', 'Asia/Kolkata'],
  ['US/Pacific', 'US/Pacific'],
  ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
  ['UTC', 'UTC'],
  ['utc', 'UTC'],
  ['Etc/GMT+5', 'Etc/GMT+5'],
  ['GMT', 'UTC'],
  ['Japan', 'Asia/Tokyo'],
  ['Germany', 'Europe/Berlin'],
  ['CET', 'Europe/Brussels'],
  ['CEST', 'Europe/Brussels'],
  ['PST', 'America/Los_Angeles'],
  ['pdt', 'America/Los_Angeles'],
  ['Pacific Time', 'America/Los_Angeles'],
  ['eastern', 'America/New_York'],
  ['JST', 'Asia/Tokyo'],
  ['Berlin', 'Europe/Berlin'],
  ['new york', 'America/New_York'],
  ['Kolkata', 'Asia/Kolkata'],
  ['Port-au-Prince', 'America/Port-au-Prince'],
  ['Norway', 'Europe/Oslo'],
  ['UTC+2', 'Etc/GMT-2'],
  ['GMT-5', 'Etc/GMT+5'],
  ['utc + 02:00', 'Etc/GMT-2'],
  ['+02:00', 'Etc/GMT-2'],
  ['\u22123', 'Etc/GMT+3'],
  ['+0000', 'UTC'],
  ['UTC+14', 'Etc/GMT-14'],
  ['+05:45', 'Asia/Katmandu'],
]

const NOT_MEANT: [typed: string, message: RegExp][] = [
  ['CST', /several places: write America\/Chicago, Asia\/Shanghai or America\/Havana/],
  ['IST', /Asia\/Kolkata, Europe\/Dublin or Asia\/Jerusalem/],
  ['+05:30', /several places: write Asia\/Calcutta or Asia\/Colombo/],
  ['United States', /several places: write America\//],
  ['Europe/Berlim', /no time zone: write Europe\/Berlin/],
  ['Middle/Earth', /no time zone: write /],
  ['UTC+15', /no time zone/],
  ['+02:99', /no time zone/],
  ['', /a name such as Europe\/Berlin, or an offset such as UTC\+2/],
  ['constructor', /no time zone/],
  ['\u0000', /no time zone/],
  ['x'.repeat(64), /no time zone/],
]

describe('a time zone', () => {
  it('is read as people type it', () => {
    const read = MEANT.map(([typed]) => [typed, readTimeZone(typed)])
    assert.deepEqual(read, MEANT)
  })

  it('has the name that it was given by IANA, whatever its case', () => {
    for (const zone of Intl.supportedValuesOf('timeZone')) {
      assert.deepEqual([readTimeZone(zone), readTimeZone(zone.toLowerCase())], [zone, zone])
    }
  })

  it('is refused with what it could have meant', () => {
    for (const [typed, message] of NOT_MEANT) {
      assert.throws(() => readTimeZone(typed), { code: 'INVALID_TIME_ZONE', message }, typed)
    }
  })

  it('says how far it is from UTC', () => {
    const at = Date.parse('2026-07-01T00:00:00Z')
    const zones = ['Europe/Berlin', 'Etc/GMT-2', 'Asia/Kolkata', 'UTC']
    assert.deepEqual(
      zones.map((zone) => offsetOf(zone, at)),
      ['UTC+02:00', 'UTC+02:00', 'UTC+05:30', 'UTC+00:00'],
    )
  })
})
