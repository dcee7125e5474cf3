import { type Clock, sleepUntilWoken } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import { Protocol } from '../../protocol/topics.ts'
import type { Table } from '../records/table.ts'

/** Pause between two looks whether they are connected, in ms. */
const LOOK_MS = 15_000
/** How long a dial may take, in ms. */
const DIAL_MS = 10_000
/** That somebody may add, at most: each is dialled again and again while it does not answer. */
export const MAX_ADDED = 100
/** Of them, that one owner may add. */
export const MAX_ADDED_OF_OWNER = 20

/** A provider that was added by hand, to be dialled. */
export interface AddedProvider {
  /** Its peer id. */
  id: string
  /** Who added it. Absent in records of earlier versions: those are the admin's. */
  owner?: string
  name: string
  /** Multiaddrs that end with its peer id. */
  endpoints: string[]
  /** What whoever added it keeps with it; nothing is done with it. */
  config: Record<string, string>
  createdAtMs: number
  updatedAtMs: number
}

/** Keeps a connection to providers that were added by hand; what they sell they announce themselves. */
export interface AddedProviders {
  get(id: string): AddedProvider | undefined
  /** Oldest first. */
  list(): AddedProvider[]
  put(provider: AddedProvider): Promise<void>
  del(id: string): Promise<void>
  /** Dials whoever is not connected, again and again. */
  run(signal: AbortSignal): Promise<void>
}

/** Reads all of them; nothing is dialled before `run`. */
export async function openAddedProviders(components: {
  /** id → a provider that was added by hand. */
  table: Pick<Table<AddedProvider>, 'values' | 'put' | 'del'>
  network: Pick<PeerNetwork, 'peers' | 'open'>
  clock: Clock
  logger: Logger
}): Promise<AddedProviders> {
  const { table, network, clock, logger } = components
  const known = new Map<string, AddedProvider>()
  for await (const provider of table.values()) known.set(provider.id, provider)
  let sleeping = new AbortController()

  async function connect({ id, endpoints }: AddedProvider, signal: AbortSignal): Promise<void> {
    try {
      const options = { addresses: endpoints, signal, timeoutMs: DIAL_MS, maxMessageBytes: 0 }
      const channel = await network.open(id, Protocol.directory, options)
      // Only the connection is wanted, and stays; neighbours ask each other for announcements by themselves.
      channel.abort(new Error('connected'))
    } catch (error) {
      if (!signal.aborted) logger.debug({ provider: id, err: error }, 'a provider that was added cannot be reached')
    }
  }

  return {
    get: (id) => known.get(id),
    list: () => [...known.values()].toSorted((a, b) => a.createdAtMs - b.createdAtMs),
    async put(provider) {
      await table.put(provider.id, provider)
      known.set(provider.id, provider)
      sleeping.abort()
    },
    async del(id) {
      await table.del(id)
      known.delete(id)
    },
    async run(signal) {
      while (!signal.aborted) {
        sleeping = new AbortController()
        const connected = new Set(network.peers())
        const missing = [...known.values()].filter(({ id }) => !connected.has(id))
        await Promise.all(missing.map(async (provider) => await connect(provider, signal)))
        // Woken, since one was added, or stopped: the loop looks again.
        await sleepUntilWoken(clock, LOOK_MS, sleeping.signal, signal).catch(() => undefined)
      }
    },
  }
}
