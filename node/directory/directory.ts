import { decode } from '../../protocol/codec.ts'
import { type SignedStatement, SignedStatementSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_GOSSIP_BYTES } from '../../protocol/limits.ts'
import { type Announcement, checkAnnouncement } from '../../protocol/market-messages.ts'
import { WireError } from '../../protocol/wire-error.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { PeerNetwork, Verdict } from '../network/index.ts'
import { answerNeighbours } from './answer-neighbours.ts'
import { askNeighbours } from './ask-neighbours.ts'
import { type FirstSeen, sinceStart } from './first-seen.ts'
import type { Directory, ProviderView } from './index.ts'
import { createProviderTable } from './provider-table.ts'

/** What {@link createDirectory} works with. */
export interface DirectoryComponents {
  network: PeerNetwork
  clock: Clock
  logger: Logger
  /** @default since this peer was started */
  firstSeen?: FirstSeen
}

/** What a directory is told of its market. */
export interface DirectoryInit {
  /** The market's name; announcements of others are refused. */
  networkName: string
  /** Providers listed; the longest silent beyond are forgotten. @default 10_000, some 30 MB */
  maxProviders?: number
}

/** A directory in the hands of the peer that starts and stops it. */
export interface RunningDirectory extends Directory {
  /** Publishes this peer's own announcement, an encoded SignedStatement, and tells it to those who ask. */
  announce(statement: Uint8Array): Promise<void>
  start(): Promise<void>
  /** Does not begin again: a directory that was stopped stays so. */
  stop(): Promise<void>
}

/** How often silence is looked at, in ms. */
const SWEEP_MS = 1_000

/** Round trips are taken over from the network in every tenth sweep; it measures them about as often. */
const SWEEPS_PER_MEASURE = 10

/** The directory of one peer, from gossip and from what neighbours tell a newcomer. */
export function createDirectory(components: DirectoryComponents, init: DirectoryInit): RunningDirectory {
  const { network, clock, firstSeen = sinceStart } = components
  const logger = components.logger
  const callbacks = new Set<(provider: ProviderView) => void>()
  const stopping = new AbortController()
  /** Checked, and about to be delivered. */
  const checked = new WeakMap<Uint8Array, { announcement: Announcement; statement: SignedStatement }>()
  let sweeping: Promise<void> | undefined

  const changed = (view: ProviderView): void => {
    for (const callback of callbacks) {
      try {
        callback(view)
      } catch (error) {
        logger.error({ error }, 'a listener of the directory failed')
      }
    }
  }
  const table = createProviderTable({ clock, firstSeen, changed }, init.maxProviders ?? 10_000)

  const read = async (data: Uint8Array) => {
    const statement = decode(SignedStatementSchema, data, MAX_GOSSIP_BYTES)
    return { announcement: await checkAnnouncement(statement, init.networkName), statement }
  }

  const sweep = async (): Promise<void> => {
    for (let count = 1; !stopping.signal.aborted; count += 1) {
      await clock.sleep(SWEEP_MS, stopping.signal)
      table.sweep()
      if (count % SWEEPS_PER_MEASURE !== 0) continue
      for (const peer of network.peers()) table.measured(peer, network.latencyMs(peer))
    }
  }

  const subscribe = (): void => {
    network.subscribe('announcements', {
      async validate(data, author): Promise<Verdict> {
        const found = await read(data)
        if (found.announcement.provider !== author) {
          throw new WireError('WRONG_SIGNER', 'The announcement was published by another peer than the one it names')
        }
        if (!table.isNews(found.announcement)) throw new WireError('REPLAYED', 'The announcement is known, or older')
        checked.set(data, found)
        return 'accept'
      },
      deliver(data) {
        const found = checked.get(data)
        if (found !== undefined && !stopping.signal.aborted) table.hear(found.announcement, found.statement, 0)
      },
    })
  }

  return {
    list: table.list,
    get: (provider) => table.get(provider)?.view,

    onChange(callback) {
      callbacks.add(callback)
      return () => callbacks.delete(callback)
    },

    async announce(data) {
      const { announcement, statement } = await read(data)
      table.hear(announcement, statement, 0)
      await network.publish('announcements', data)
    },

    async start() {
      if (sweeping !== undefined) return
      subscribe()
      answerNeighbours({ network, table, clock, logger }, init.networkName, stopping.signal)
      askNeighbours({ network, table, clock, logger }, init.networkName, stopping.signal)
      sweeping = sweep().catch((error: unknown) => {
        if (!stopping.signal.aborted) logger.error({ error }, 'the directory no longer notices silence')
      })
    },

    async stop() {
      stopping.abort(new Error('The directory is stopping'))
      await sweeping
    },
  }
}
