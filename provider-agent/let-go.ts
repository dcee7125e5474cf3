import type { Clock } from '../node/clock.ts'
import type { Book } from './book.ts'
import type { Offers } from './offers.ts'
import type { Standing } from './standing.ts'

/**
 * Frees what a bid holds when its requester says that it will not take it. Nothing where the bid is another's, was
 * awarded, or is over.
 */
export type LetGo = (bidId: string, requester: string) => void

export function createLetGo(components: { clock: Clock; offers: Offers; book: Book; standing: Standing }): LetGo {
  const { clock, offers, book, standing } = components
  return (bidId, requester) => {
    const offer = offers.get(bidId)
    if (offer?.requester !== requester) return
    // Holding capacity for long and taking none of it is as bad as letting the bid lapse.
    if (clock.monotonicMs() - offer.madeAtMs > offer.validForMs / 2) standing.lapsed(requester)
    offers.remove(bidId)
    book.release(bidId)
  }
}
