/** Words of a seller's flags that are not amounts, as the agent takes them. */

import { InvalidArgumentError } from 'commander'
import { keyValue } from '../../node/commands/options.ts'
import { isPlatform } from '../../protocol/platforms.ts'
import { readTimeZone, TimeZoneError } from '../../protocol/time-zones.ts'
import { parseRate } from '../bandwidth/rate.ts'
import { parseHours } from '../hours/opening-hours.ts'

/** Opening hours, as they were written. */
export function hours(text: string, previous: string[] = []): string[] {
  if (parseHours(text) !== null) return [...previous, text]
  throw new InvalidArgumentError('Write days, a time from-to or both: "Mon-Fri 18:00-08:00", "sat,sun", "22:00-06:00".')
}

/** A registry and where it is asked instead. */
export function mirror(text: string, previous?: Record<string, string>): Record<string, string> {
  const isMirror = /^[a-z0-9.-]+(:\d{1,5})?=[a-z0-9.-]+(:\d{1,5})?(\/[a-z0-9._-]+)*$/.test(text)
  if (!isMirror) throw new InvalidArgumentError('Write it as HOST=MIRROR, such as docker.io=mirror.lan:5000/hub.')
  return keyValue(text, previous)
}

/** A host as URLs write it, without the port that is the usual one; one more each time. */
export function inputHost(text: string, previous: string[] = []): string[] {
  if (!/^([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:\d{1,5})?$/i.test(text)) {
    throw new InvalidArgumentError('Give the host of the URLs, such as files.lan:8443.')
  }
  return [...previous, text.toLowerCase().replace(/:(80|443)$/, '')]
}

/** Platforms, one more each time. */
export function platform(text: string, previous: string[] = []): string[] {
  if (!isPlatform(text)) throw new InvalidArgumentError('Write it as linux/arm64 or linux/arm/v7.')
  return [...previous, text]
}

/** Bits a second. */
export function rate(text: string): number {
  const bits = parseRate(text)
  if (bits === null) throw new InvalidArgumentError('Give a rate from 64kbit to 1000Gbit, such as 100Mbit or 1.5Gbit.')
  return bits
}

/** Its IANA name, of whatever people call it. */
export function timeZone(text: string): string {
  try {
    return readTimeZone(text)
  } catch (error) {
    if (!(error instanceof TimeZoneError)) throw error
    throw new InvalidArgumentError(`It ${error.message}.`)
  }
}

/** Peer ids, one more each time. */
export function client(text: string, previous: string[] = []): string[] {
  if (!/^[1-9A-HJ-NP-Za-km-z]{40,64}$/.test(text)) {
    throw new InvalidArgumentError('Give a peer id, such as 12D3KooW…: cortex id prints one’s own.')
  }
  return [...previous, text]
}
