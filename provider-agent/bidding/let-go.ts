import type { Clock } from '../../node/clock.ts'
import type { Book } from '../capacity/book.ts'
import type { Offers } from './offers.ts'
import type { RequesterCredit } from './requester-credit.ts'

/**
 * Frees what a bid holds when its requester says that it will not take it. Nothing where the bid is another's, was
 * awarded, or is over.
 */
export type LetGo = (bidId: string, requester: string) => void

/** Where more than half of the bid's time has gone by, it counts against the requester's credit. */
export function createLetGo(components: { clock: Clock; offers: Offers; book: Book; credit: RequesterCredit }): LetGo {
  const { clock, offers, book, credit } = components
  return (bidId, requester) => {
    const offer = offers.get(bidId)
    if (offer?.requester !== requester) return
    // Holding capacity for long and taking none of it is as bad as letting the bid lapse.
    if (clock.monotonicMs() - offer.madeAtMs > offer.validForMs / 2) credit.lapsed(requester)
    offers.remove(bidId)
    book.release(bidId)
  }
}
