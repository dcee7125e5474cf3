import type { Clock } from '../../node/clock.ts'
import { createRateBudget } from '../../node/rate-budget.ts'
import { requirementsDigest } from '../../protocol/codec.ts'
import { type Isolation, isolationFor } from '../../protocol/isolation.ts'
import type { CheckedRequest, Requirements } from '../../protocol/market-messages.ts'
import type { Figures } from '../../protocol/measured.ts'
import type { Terms } from '../../protocol/money.ts'
import { runsAs } from '../../protocol/platforms.ts'
import { quote } from '../../protocol/quote.ts'
import { stampBits } from '../../protocol/stamp.ts'
import type { Book } from '../capacity/book.ts'
import type { Measuring } from '../capacity/measuring.ts'
import { chooseKind, type GpuKind, onSale } from '../gpus/kinds.ts'
import type { ImageKeeper } from '../images/keeper.ts'
import { askable } from '../prices/askable.ts'
import type { PriceList } from '../prices/price-rules.ts'
import type { KeptVolumes } from '../volumes/kept-volumes.ts'
import type { createLackingData, LackingData } from './lacking-data.ts'
import { newBidId, type Offers } from './offers.ts'
import { type Offering, type Refusal, refusal } from './policy.ts'
import type { RequesterCredit } from './requester-credit.ts'

/** What {@link createDeciding} works with. */
export interface DecidingComponents {
  clock: Clock
  book: Book
  measuring: Pick<Measuring, 'gpuKinds'>
  offers: Offers
  credit: RequesterCredit
  images: Pick<ImageKeeper, 'heldBackMs' | 'holds'>
  kept: Pick<KeptVolumes, 'refusal' | 'sizeOf'>
  /** Null while the agent bids. */
  paused: () => Refusal | null
  /** How long the provider stays open, in ms; infinite where it never closes. */
  openForMs: () => number
  uptimeSeconds: () => number
  /** What the machine does in a second; null where it was not measured. */
  measured: () => Figures | null
  /** What of a job's bytes is not here. @default nothing is said of that */
  lacking?: ReturnType<typeof createLackingData>
}

/** On what terms bids are made. */
export interface DecidingInit {
  marketName: string
  prices: PriceList
  offering: Offering
  /** How long a bid is held, in ms; longer for a long bid window, three times this at most. See `AgentInit`. */
  reservationMs: number
  /** Work that a request must carry while more than `calmPerSecond` are answered; 0 is none. */
  stampBits: number
  /** 50 cost about a tenth of a core. */
  calmPerSecond: number
}

/** What is offered, before it is signed. */
export interface Offered extends Terms {
  bidId: Uint8Array
  validForMs: number
  /** Those that the job would have; null where it asks for none. */
  gpu: GpuKind | null
  /** As what the image would run; the first that this machine runs where the request does not say. */
  platform: string
  emulated: boolean
  isolation: Isolation
  /** The digest that is asked for, where the image is here and no secret; else empty. */
  imageDigest: string
  lacking: LackingData
}

/** Whether to bid, and at what price. */
export interface Deciding {
  /** A refusal, or the bid that capacity is now set aside for. Synchronous: nothing comes between looking and taking. */
  decide(request: CheckedRequest, requester: string): Refusal | Offered
  /** The bid never arrived, so nobody can award it. */
  withdraw(bidId: string): void
}

/** Over how long requests are counted that are answered without asking for stamps, in ms. */
const CALM_SPAN_MS = 10_000

/** A bid is in `book` and `offers` from then on, until it is withdrawn, awarded or lapses. */
export function createDeciding(components: DecidingComponents, init: DecidingInit): Deciding {
  const { clock, book, offers, credit } = components
  const calm = (init.calmPerSecond * CALM_SPAN_MS) / 1_000
  const load = createRateBudget({ clock }, { own: calm, total: calm, spanMs: CALM_SPAN_MS })

  function lacksStamp({ requestId, stamp }: CheckedRequest, requester: string): boolean {
    return stampBits({ network: init.marketName, requester, requestId }, stamp) < init.stampBits
  }

  function kindsFor(requester: string): GpuKind[] {
    const { forClient } = init.prices
    const priceOf = (model: string) => forClient(clock.nowMs(), requester, model).gpuPerHour
    return onSale(components.measuring.gpuKinds(), book.gpusFreeFor(requester), priceOf)
  }

  function policyRefusal(
    request: CheckedRequest,
    requester: string,
    { terms, gpus, platform }: { terms: Terms; gpus: GpuKind[]; platform: string },
  ): Refusal | null {
    const { requirements, takesMinimumCharge, takesVolumePrice } = request
    return refusal(requirements, init.offering, {
      total: book.total,
      free: book.freeFor(requester),
      gpus,
      terms,
      takesMinimumCharge,
      takesVolumePrice,
      uptimeSeconds: components.uptimeSeconds(),
      paused: components.paused(),
      openForMs: components.openForMs(),
      heldBackMs: components.images.heldBackMs(requirements.image, {
        ...{ requester, platform },
        digest: requirements.imageDigest,
      }),
      figures: components.measured(),
      volumes: components.kept.refusal(requester, requirements),
      client: { peerId: requester, ...book.heldBy(requester), bidShare: credit.share(requester) },
    })
  }

  /** While a job has a volume, that is the job's storage, whoever left it. */
  function withVolumes(requirements: Requirements, requester: string): Requirements {
    const taken = (requirements.keptVolumes ?? []).reduce(
      (sum, { id }) => sum + (id === '' ? 0 : components.kept.sizeOf(requester, id)),
      0,
    )
    const { resources } = requirements
    return { ...requirements, resources: { ...resources, storageBytes: resources.storageBytes + taken } }
  }

  return {
    decide(request, requester) {
      const isBusy = load.take('all') !== 'taken'
      if (isBusy && lacksStamp(request, requester)) {
        const message = `is busy, and answers requests with a stamp of ${init.stampBits} bits`
        return { code: 'STAMP_REQUIRED', message, stampBits: init.stampBits }
      }
      const { requirements } = request
      const gpus = requirements.resources.gpu === 0 ? [] : kindsFor(requester)
      const gpu = chooseKind(gpus, requirements)
      const wall = isolationFor(init.offering.isolations, requirements.isolation)
      const prices = init.prices.forClient(clock.nowMs(), requester, gpu?.model)
      const terms = quote(
        withVolumes(requirements, requester),
        askable(prices, init.offering.capabilities),
        wall?.factorMillis,
      )
      const as = runsAs(init.offering, requirements.platforms) ?? { platform: '', emulated: false }
      const refused = policyRefusal(request, requester, { terms, gpus, platform: as.platform })
      if (refused !== null) return refused
      if (wall === null) return { code: 'ENGINE_UNAVAILABLE', message: 'has not tried its engine yet' }
      const { isolation } = wall
      const bidId = newBidId()
      const validForMs = reservationFor(request.bidWindowMs, init.reservationMs)
      const kind = gpu === null ? {} : { gpuKind: gpu.key }
      if (!book.reserve(hex(bidId), { requester, resources: requirements.resources, ...kind }, validForMs)) {
        return { code: 'INSUFFICIENT_CAPACITY', message: 'has no room left' }
      }
      offers.add({
        bidId: hex(bidId),
        requestId: hex(request.requestId),
        requester,
        requirements,
        requirementsDigest: requirementsDigest(request.requirementsBytes),
        ...terms,
        ...kind,
        isolation,
        platforms: requirements.platforms.length === 0 ? [...init.offering.platforms] : [as.platform],
        madeAtMs: clock.monotonicMs(),
        validForMs,
      })
      const { imageDigest: wanted } = requirements
      const imageDigest = wanted !== '' && components.images.holds(wanted) ? wanted : ''
      const lacking = components.lacking?.(requester, requirements) ?? {}
      return { bidId, validForMs, gpu, ...as, isolation, imageDigest, lacking, ...terms }
    },
    withdraw(bidId) {
      offers.remove(bidId)
      book.release(bidId)
    },
  }
}

/** Longer than the bid window, so that an award never meets an expired bid; bounded, whatever window a stranger names. */
function reservationFor(bidWindowMs: number, reservationMs: number): number {
  return Math.min(Math.max(reservationMs, 2 * bidWindowMs), 3 * reservationMs)
}

/** Lower case: how ids of bids and requests are written in memory, in the journal and in logs. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
