import type { Clock } from '../../clock.ts'
import type { NamedDecline } from './answer.ts'

/** By this code a provider declines whose clock and this peer's are hours apart. */
const CLOCK_OFF = 'CLOCK_OFF'

/** How long it counts that a provider said so, in ms: to who broadcasts it says so once a minute, whatever is asked meanwhile. */
const TOLD_MS = 5 * 60_000

/** Providers remembered; who said so longest ago goes first. */
const MAX_PROVIDERS = 1_000

/** Providers that find this peer's clock hours off, or whose own is. */
export interface ClocksOff {
  heard(answers: { offers: readonly { provider: string }[]; declines: readonly NamedDecline[] }): void
  /** What they said last. */
  told(): NamedDecline[]
}

/** What a provider answers later takes back what it said before. */
export function createClocksOff({ clock }: { clock: Pick<Clock, 'monotonicMs'> }): ClocksOff {
  const off = new Map<string, { decline: NamedDecline; atMs: number }>()

  return {
    heard({ offers, declines }) {
      for (const { provider } of [...offers, ...declines]) off.delete(provider)
      for (const decline of declines.filter(findsClockOff))
        off.set(decline.provider, { decline, atMs: clock.monotonicMs() })
      for (const provider of [...off.keys()].slice(0, Math.max(0, off.size - MAX_PROVIDERS))) off.delete(provider)
    },
    told: () =>
      [...off.values()].flatMap(({ decline, atMs }) => (clock.monotonicMs() - atMs > TOLD_MS ? [] : [decline])),
  }
}

/** Whether a provider declined because its clock and this peer's are hours apart. */
export function findsClockOff({ decline: { code } }: NamedDecline): boolean {
  return code === CLOCK_OFF
}
