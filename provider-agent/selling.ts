import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../node/clock.ts'
import type { Logger } from '../node/logger.ts'
import type { PeerNetwork } from '../node/network/index.ts'
import type { Tracer } from '../node/tracing/index.ts'
import { toWireResources } from '../protocol/codec.ts'
import { gpuToWire } from '../protocol/gpu-wire.ts'
import type { Hardware } from '../protocol/hardware.ts'
import { isolationFor } from '../protocol/isolation.ts'
import type { Requirements } from '../protocol/market-messages.ts'
import { type Measured, toWireFigures } from '../protocol/measured.ts'
import type { Terms } from '../protocol/money.ts'
import { runsAs } from '../protocol/platforms.ts'
import { quote } from '../protocol/quote.ts'
import { NO_RESOURCES, type Resources } from '../protocol/units.ts'
import { type Announcer, createAnnouncer, type Offer } from './announcing/announcer.ts'
import { type AwardDesk, createAwardDesk } from './awards/award-desk.ts'
import { createBidder } from './bidding/bidder.ts'
import { type ClockWatch, createClockWatch } from './bidding/clock-watch.ts'
import { createLackingData } from './bidding/lacking-data.ts'
import { type Offering, type Refusal, refusal } from './bidding/policy.ts'
import { createReplayMemory } from './bidding/replay-memory.ts'
import type { Capacity } from './capacity/open-capacity.ts'
import { chooseKind, onSale } from './gpus/kinds.ts'
import type { Health } from './health.ts'
import { givesGpus } from './isolation/walls.ts'
import type { Journal } from './journal/journal.ts'
import type { Leases } from './lease/leases.ts'
import type { AgentOptions } from './options.ts'
import { askable } from './prices/askable.ts'
import type { PriceList } from './prices/price-rules.ts'

/** What {@link createSelling} works with. */
export interface SellingComponents {
  network: PeerNetwork
  privateKey: PrivateKey
  clock: Clock
  logger: Logger
  tracer: Tracer
  capacity: Capacity
  leases: Leases
  journal: Journal
  health: Pick<Health, 'impaired'>
  prices: PriceList
  /** As it is now. */
  offering: Offering
  /** How long it stays open, in ms; infinite where it never closes. */
  openForMs: () => number
  /** Why no jobs are taken; null while they are. */
  paused: () => Refusal | null
  uptimeSeconds: () => number
  /** What the machine does in a second; null where it was not measured. */
  measured: () => Measured | null
  /** What it is made of; null where nobody knows. */
  hardware: () => Hardware | null
  /** Whether what a requester asks for under this mark is here. */
  holds: (requester: string, mark: string) => boolean
  /** Broadcasts an announcement. */
  broadcast: (statement: Uint8Array) => Promise<void>
  /** How many providers are online, this one included. */
  providersOnline: () => number
}

/** This provider on the market: it says what it has, bids, and takes awards. */
export interface Selling {
  start(): void
  announcer: Announcer
  /** Takes nothing more; after the goodbye. */
  stop(): Promise<void>
  /** What a requester without jobs here would hear now that asks for this. */
  consider(wanted: Requirements): { refusal: Refusal | null; terms: Terms }
  clockOff: ClockWatch['finding']
  refusedAwards: AwardDesk['refused']
}

/** Takes the next incarnation from the journal; says nothing before `start()`. */
export async function createSelling(components: SellingComponents, options: AgentOptions): Promise<Selling> {
  const { clock, logger, capacity, journal, health, prices, offering, uptimeSeconds } = components
  const { book, images, measuring } = capacity
  const { marketName } = options
  const { paused } = components
  const clocks = createClockWatch({ clock, logger })
  const lacking = createLackingData({ ...capacity, has: components.holds })
  const parts = { ...components, ...capacity, paused, lacking }
  const bidder = createBidder(
    { ...parts, clocks, replays: createReplayMemory({ clock }) },
    { ...options, ...{ marketName, prices, offering } },
  )
  const awards = createAwardDesk(parts, { marketName, offering })
  const announcer = createAnnouncer(
    { ...parts, describe, providers: components.providersOnline },
    { ...options, incarnation: await journal.nextIncarnation(clock.nowMs()) },
  )

  /** At posted prices, with what is free to such a requester. */
  function kindsFor(requester: string | null) {
    const priceOf = (model: string) => prices.posted(clock.nowMs(), model).gpuPerHour
    return onSale(measuring.gpuKinds(), book.gpusFreeFor(requester), priceOf)
  }

  function describe(): Offer {
    const { completed, failed } = journal.counts()
    const { region, labels, capabilities, platforms, emulatedPlatforms, isolations } = offering
    // None are given under the others; before any was tried nothing is sold at all.
    const hidesGpus = isolations.length > 0 && !isolations.some(({ isolation }) => givesGpus(isolation))
    const shown = (resources: Resources): Resources => (hidesGpus ? { ...resources, gpu: 0 } : resources)
    const said = { name: options.name, version: options.version, architecture: measuring.architecture() }
    return {
      ...{ platforms: [...platforms], emulatedPlatforms: [...emulatedPlatforms] },
      isolations: isolations.map(({ isolation, factorMillis }) => ({ isolation, factorMillis })),
      ...{ region, labels, capabilities, ...said, prices: askable(prices.posted(clock.nowMs()), capabilities) },
      total: toWireResources(shown(book.total)),
      free: toWireResources(shown(book.freeFor(null))),
      uptimeSeconds: BigInt(uptimeSeconds()),
      pausedReason: paused()?.message ?? '',
      impaired: health.impaired(),
      jobsCompleted: BigInt(completed),
      jobsFailed: BigInt(failed),
      ...toldFigures(components.measured()),
      ...toldHardware(components.hardware()),
      gpus: hidesGpus ? [] : kindsFor(null).map(gpuToWire),
    }
  }

  return {
    announcer,
    clockOff: clocks.finding,
    refusedAwards: awards.refused,
    start() {
      bidder.start()
      awards.start()
      announcer.start()
    },
    async stop() {
      awards.stop()
      await bidder.stop()
    },
    consider(wanted) {
      const gpus = kindsFor('')
      const gpu = chooseKind(gpus, wanted)
      const wall = isolationFor(offering.isolations, wanted.isolation)
      const asked = askable(prices.posted(clock.nowMs(), gpu?.model), offering.capabilities)
      const terms = quote(wanted, asked, wall?.factorMillis)
      const nobody = { peerId: '', bids: 0, bidResources: NO_RESOURCES, resources: NO_RESOURCES, bidShare: 1 }
      const situation = {
        total: book.total,
        free: book.free(),
        ...{ gpus, terms },
        takesMinimumCharge: true,
        uptimeSeconds: uptimeSeconds(),
        paused: paused(),
        openForMs: components.openForMs(),
        heldBackMs: images.heldBackMs(wanted.image, {
          requester: '',
          platform: runsAs(offering, wanted.platforms)?.platform ?? '',
          digest: wanted.imageDigest,
        }),
        figures: components.measured(),
        client: nobody,
      }
      return { refusal: refusal(wanted, { ...offering, allowClients: [] }, situation), terms }
    },
  }
}

function toldHardware(hardware: Hardware | null): Pick<Offer, 'hardware'> {
  return hardware === null ? {} : { hardware }
}

/** Absent where nothing was measured. */
function toldFigures(measured: Measured | null): Pick<Offer, 'measured'> {
  if (measured === null) return {}
  const { method, atMs } = measured
  return { measured: { figures: toWireFigures(measured), atMs: BigInt(atMs), method } }
}
