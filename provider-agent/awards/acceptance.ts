import { randomUUID } from 'node:crypto'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { momentNow } from '../../node/moment.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import type { Award } from '../../protocol/gen/cortex/v1/market_pb.js'
import type { Offers } from '../bidding/offers.ts'
import type { Offering, Refusal } from '../bidding/policy.ts'
import type { RequesterCredit } from '../bidding/requester-credit.ts'
import type { Book } from '../capacity/book.ts'
import type { Journal } from '../journal/journal.ts'
import { leaseId } from '../journal/records.ts'
import type { Leases } from '../lease/leases.ts'
import type { KeptVolumes } from '../volumes/kept-volumes.ts'
import { type AwardRefusal, checkAgainstOffer, leaseRecordOf, secretsOf } from './award-check.ts'

/** Whether an award becomes a lease; see {@link createAcceptance}. */
export interface Acceptance {
  /** Makes it one, or answers why not. Two of one bid must not be under way at a time. */
  accept(award: Award): Promise<AwardRefusal | null>
  /** Null where this very award was accepted before, in this process or an earlier one. */
  repeated(award: Award): Promise<AwardRefusal | null>
}

/** What {@link createAcceptance} works with. */
export interface AcceptanceComponents {
  network: PeerNetwork
  clock: Clock
  logger: Logger
  book: Book
  offers: Offers
  credit: RequesterCredit
  kept: Pick<KeptVolumes, 'refusal' | 'sizeOf'>
  leases: Leases
  journal: Journal
  /** Null while the agent takes jobs. */
  paused: () => Refusal | null
}

/** @param offering what is offered, as it is now */
export function createAcceptance(
  components: AcceptanceComponents,
  offering: Readonly<Pick<Offering, 'capabilities' | 'isolations'>>,
): Acceptance {
  const { network, clock, logger, book, offers, credit, kept, leases, journal } = components

  async function repeated(award: Award): Promise<AwardRefusal | null> {
    const { jobId, fence, requester } = award
    const { bidId, requester: owner } =
      leases.get(leaseId(jobId, fence))?.record ?? (await journal.settled(requester, jobId, fence)) ?? {}
    if (bidId === hex(award.bidId) && owner === requester) return null
    return { code: 'BID_UNKNOWN', message: 'The bid was awarded to another attempt' }
  }

  return {
    repeated,
    async accept(award) {
      const bidId = hex(award.bidId)
      if ((await repeated(award)) === null) return null
      const offer = offers.get(bidId)
      if (offer === undefined) {
        return offers.hasLapsed(bidId)
          ? { code: 'BID_EXPIRED', message: 'The bid has expired' }
          : { code: 'BID_UNKNOWN', message: 'This provider has no such bid open' }
      }
      const refusal = checkAgainstOffer(award, offer, network.peerId, offering) ?? components.paused()
      if (refusal !== null) return refusal
      const { highestFence, ownerSaid } = await leases.pastOf(award.requester, award.jobId)
      if (award.fence <= highestFence) {
        return { code: 'STALE_FENCE', message: `Fence ${award.fence} after ${highestFence} was seen for this job` }
      }
      if (ownerSaid !== null) {
        const why = ownerSaid === '' ? '' : `: ${ownerSaid}`
        return { code: 'STOPPED_BY_OWNER', message: `The owner of this machine stopped this job here${why}` }
      }
      const id = leaseId(award.jobId, award.fence)
      if (leases.get(id) !== undefined) {
        return { code: 'INVALID_JOB', message: 'Another requester has a job of this id here' }
      }
      const held = kept.refusal(award.requester, offer.requirements)
      if (held !== null) return held
      const committed = book.commit(bidId, id)
      if (committed === 'lapsed') return { code: 'BID_EXPIRED', message: 'The bid has expired' }
      offers.remove(bidId, committed === 'taken')
      if (committed === 'taken') {
        return {
          code: 'INSUFFICIENT_CAPACITY',
          message: 'The room was given to a requester that has awarded here before',
        }
      }
      credit.awarded(award.requester)
      try {
        await leases.accept(
          leaseRecordOf(award, offer, momentNow(clock), (id) => kept.sizeOf(award.requester, id)),
          secretsOf(award),
        )
      } catch (error) {
        book.release(id)
        const reference = randomUUID()
        logger.error({ reference, error: String(error) }, 'the lease was not journalled')
        return { code: 'STORE_UNAVAILABLE', message: `The provider could not write the lease down (${reference})` }
      }
      return null
    },
  }
}

/** An id as text, for keys and logs. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
