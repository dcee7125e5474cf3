import type { Decline } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_STAMP_BITS, makeStamp } from '../../../protocol/stamp.ts'
import type { Clock } from '../../clock.ts'
import { takeTurn } from '../../turns.ts'

/** How long requests are stamped after providers asked for it, in ms. */
const WANTED_MS = 60_000

/** The stamps of one requester's requests: none until providers that are busy ask for them. */
export interface Stamps {
  /** For a request of this id; empty where none is wanted. */
  make(requestId: Uint8Array): Promise<Uint8Array>
  /** Looks at the answers to a round. One provider alone cannot make this peer work: half of them must ask for it. */
  heard(declines: Pick<Decline, 'stampBits'>[], answers: number): void
}

/** @param init the market's name and this peer's id, for which alone a stamp is good */
export function createStamps(
  { clock }: { clock: Pick<Clock, 'monotonicMs'> },
  init: { network: string; requester: string },
): Stamps {
  let bits = 0
  let untilMs = Number.NEGATIVE_INFINITY
  return {
    async make(requestId) {
      if (bits === 0 || clock.monotonicMs() > untilMs) return new Uint8Array()
      return await makeStamp({ ...init, requestId }, bits, takeTurn)
    },
    heard(declines, answers) {
      const wanted = declines.map(({ stampBits }) => stampBits).filter((one) => one > 0 && one <= MAX_STAMP_BITS)
      if (wanted.length === 0 || 2 * wanted.length < answers) return
      // What satisfies half of those that ask.
      bits = wanted.sort((a, b) => a - b)[Math.floor(wanted.length / 2)] ?? 0
      untilMs = clock.monotonicMs() + WANTED_MS
    },
  }
}
