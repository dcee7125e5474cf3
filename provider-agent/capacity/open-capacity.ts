import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { NO_RESOURCES } from '../../protocol/units.ts'
import { createLetGo, type LetGo } from '../bidding/let-go.ts'
import { createOffers, type Offers } from '../bidding/offers.ts'
import { createRequesterCredit, type RequesterCredit } from '../bidding/requester-credit.ts'
import type { ContainerEngine, EngineInfo } from '../engine/index.ts'
import { createImageKeeper, type ImageKeeper } from '../images/keeper.ts'
import { type Arrivals, openArrivals } from '../inputs/arrivals.ts'
import type { Journal } from '../journal/journal.ts'
import type { AgentOptions } from '../options.ts'
import { createKeptVolumes, type KeptVolumes } from '../volumes/kept-volumes.ts'
import { type Book, createBook } from './book.ts'
import type { Machine } from './machine.ts'
import { createMeasuring, type Measuring } from './measuring.ts'

/** What {@link openCapacity} works with. */
export interface CapacityComponents {
  engine: ContainerEngine
  journal: Journal
  clock: Clock
  logger: Logger
  /** Peer id of this provider. */
  owner: string
  privateKey: PrivateKey
  inspect: (info: EngineInfo) => Promise<Machine>
  /** Bytes that are free where the engine keeps its images, now. */
  freeBytes: (dataRoot: string) => Promise<number>
}

/** What this provider has, and who holds how much of it. */
export interface Capacity {
  book: Book
  /** Open bids, each with a reservation in the book. */
  offers: Offers
  credit: RequesterCredit
  letGo: LetGo
  images: ImageKeeper
  /** How fast what jobs need has come in. */
  arrivals: Arrivals
  measuring: Measuring
  /** Volumes that outlive their jobs. */
  kept: KeptVolumes
}

/** Takes up the images that jobs brought, the volumes that they left, and the requesters that this provider knows; nothing is measured yet. */
export async function openCapacity(components: CapacityComponents, options: AgentOptions): Promise<Capacity> {
  const { engine, journal, clock, logger, owner, privateKey, inspect, freeBytes } = components
  const offers = createOffers()
  const credit = createRequesterCredit({ clock })
  for await (const requester of journal.requesters()) credit.awarded(requester)
  const book = createBook(
    { clock, credit },
    {
      total: NO_RESOURCES,
      onExpired(bidId, { requester }) {
        offers.remove(bidId, true)
        credit.lapsed(requester)
      },
    },
  )
  const arrivals = await openArrivals({ journal, logger })
  const images = await createImageKeeper(
    {
      arrivals,
      ...{ engine, journal, clock, logger: logger.child({ part: 'images' }) },
      freeBytes: async () => await freeBytes((await engine.info()).dataRoot),
      promisedBytes: () => Math.max(0, book.total.storageBytes - book.free().storageBytes),
    },
    { ...options, minFreeBytes: options.imageRoomBytes },
  )
  const measuring = createMeasuring(
    {
      ...{ engine, book, clock, logger, owner },
      async inspect(info) {
        const machine = await inspect(info)
        const isTight = machine.freeStorageBytes < options.imageRoomBytes
        return isTight && (await images.makeRoom()) > 0 ? await inspect(info) : machine
      },
    },
    options,
  )
  const kept = createKeptVolumes(
    { engine, journal, book, privateKey, clock, logger: logger.child({ part: 'volumes' }) },
    { ...options, owner },
  )
  await kept.start()
  return {
    kept,
    arrivals,
    book,
    offers,
    credit,
    letGo: createLetGo({ clock, offers, book, credit }),
    images,
    measuring,
  }
}
