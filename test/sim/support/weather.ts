/**
 * What the network does to what travels on it: loses gossip, breaks streams, delays and holds. Each decision follows from
 * the seed, the link and how much went over it before, so that leaving out one step of a run changes little of the rest.
 */

import type { Fate, Passage } from '../../support/memory-network.ts'

export interface Forecast {
  /** Of a hundred gossip messages and openings this many are lost. */
  loss: number
  /** Of a hundred messages on a stream this many break it. */
  breaks: number
  /** Of a hundred passages this many are late, each by up to `delayMs`. */
  late: number
  delayMs: number
}

export const CALM: Forecast = { loss: 0, breaks: 0, late: 0, delayMs: 0 }

export interface Weather {
  forecast: Forecast
  /** Links on which nothing arrives until they are let go: what was sent waits. `FROM>TO`. */
  readonly held: Set<string>
  rule(passage: Passage): Fate
}

export function createWeather(seed: number): Weather {
  const counts = new Map<string, number>()
  const weather: Weather = {
    forecast: CALM,
    held: new Set(),
    rule({ kind, from, to, protocol = '' }) {
      if (weather.held.has(`${from}>${to}`) && kind !== 'gossip') return 'hold'
      const { loss, breaks, late, delayMs } = weather.forecast
      if (loss + breaks + late === 0) return 'pass'
      const link = `${kind} ${from} ${to} ${protocol}`
      const count = (counts.get(link) ?? 0) + 1
      counts.set(link, count)
      const chance = hash(`${seed} ${count} ${link}`)
      const percent = chance % 100
      if (percent < (kind === 'message' ? breaks : loss)) return 'drop'
      if ((chance >>> 8) % 100 < late) return 1 + ((chance >>> 16) % delayMs)
      return 'pass'
    },
  }
  return weather
}

/** FNV-1a with a last stir, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x45d9f3b)
  return (value ^ (value >>> 16)) >>> 0
}
