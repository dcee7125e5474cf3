import { EventEmitter } from 'node:events'
import type { Clock } from '../../node/clock.ts'
import type { Directory, ProviderView } from '../../node/directory/index.ts'
import type { Logger } from '../../node/logger.ts'
import { createKeyedQueue } from '../../node/store/keyed-queue.ts'
import { numberKey } from '../../node/store/tables.ts'
import type { ProviderEventType } from '../contract/event-types.ts'
import { type Database, type Operation, openTable, remove, write } from '../records/table.ts'
import { gpuPrices } from './gpu-prices.ts'
import { providerView } from './view.ts'

/** Events kept; older ones go. */
const MAX_EVENTS = 10_000

/** Something that happened to a provider, as this gateway’s directory saw it. */
export interface ProviderEvent {
  /** 1 for the first, without gap over restarts. */
  seq: number
  type: ProviderEventType
  timestampMs: number
  /** As it was then, in the words of the API. */
  provider: ReturnType<typeof providerView>
}

/** What was last known of a provider, to tell what changed. */
export interface KnownProvider {
  status: ProviderView['status']
  /** Prices as text, which only has to differ when they do. */
  prices: string
}

/** A provider at one moment. */
interface Sighting {
  gone: boolean
  now: KnownProvider
  view: ReturnType<typeof providerView>
}

/** What happened to providers, in order, kept over restarts. */
export interface ProviderLog {
  /** Notes what changed while nobody looked, and listens from then on. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Events with `seq` > `after`, oldest first. */
  read(after: number, limit: number): Promise<ProviderEvent[]>
  /** Everything that is kept of one provider, oldest first. */
  ofProvider(id: string): Promise<ProviderEvent[]>
  end(): number
  onChange(callback: () => void): () => void
}

/** Keeps the newest 10,000 events; hears nothing before its `start`. */
export function createProviderLog(components: {
  directory: Directory
  db: Database
  clock: Clock
  logger: Logger
}): ProviderLog {
  const { directory, db, clock, logger } = components
  /** id → what was last known of a provider. */
  const knownProviders = openTable<KnownProvider>(db, 'known-providers')
  /** seq → what happened to a provider. */
  const providerEvents = openTable<ProviderEvent>(db, 'provider-events')
  const wakes = new EventEmitter().setMaxListeners(0)
  const queue = createKeyedQueue()
  let last = 0
  let unlisten = () => {}

  async function note({ gone, now, view }: Sighting): Promise<void> {
    const known = await knownProviders.get(view.id)
    const types = gone ? (known === undefined ? [] : ['provider.removed' as const]) : changesOf(known, now)
    if (types.length === 0) return
    const operations: Operation[] = [gone ? remove(knownProviders, view.id) : write(knownProviders, view.id, now)]
    for (const type of types) {
      last += 1
      const event = { seq: last, type, timestampMs: clock.nowMs(), provider: view }
      operations.push(write(providerEvents, numberKey(last), event))
      if (last > MAX_EVENTS) operations.push(remove(providerEvents, numberKey(last - MAX_EVENTS)))
    }
    await db.batch(operations)
    wakes.emit('change')
  }

  /** One after another, so that sequence numbers follow the order of writing; each as it was when it was told. */
  function queued(provider: ProviderView): Promise<void> {
    const view = providerView(provider, 0n)
    const sighting: Sighting = {
      gone: directory.get(provider.provider) === undefined,
      now: { status: provider.status, prices: pricesText(provider, gpuPrices(view)) },
      view,
    }
    return queue
      .run('all', async () => await note(sighting))
      .catch((error: unknown) => logger.error({ err: error }, 'a provider’s change could not be noted'))
  }

  return {
    async start() {
      for await (const place of providerEvents.keys({ reverse: true, limit: 1 })) last = Number(place)
      unlisten = directory.onChange((provider) => void queued(provider))
      for (const provider of directory.list()) await queued(provider)
    },
    async stop() {
      unlisten()
      await queue.run('all', async () => {})
    },
    async read(after, limit) {
      // Each of many readers looks, whichever log there is something new in.
      if (after >= last) return []
      return (await providerEvents.values({ gt: numberKey(after), limit }).all()).map(complete)
    },
    async ofProvider(id) {
      const events: ProviderEvent[] = []
      for await (const event of providerEvents.values()) if (event.provider.id === id) events.push(complete(event))
      return events
    },
    end: () => last,
    onChange(callback) {
      wakes.on('change', callback)
      return () => wakes.off('change', callback)
    },
  }
}

function changesOf(known: KnownProvider | undefined, now: KnownProvider): ProviderEventType[] {
  if (known === undefined) return ['provider.added']
  return [
    ...(known.status === now.status ? [] : (['provider.status.changed'] as const)),
    ...(known.prices === now.prices ? [] : (['provider.pricing.changed'] as const)),
  ]
}

function pricesText(
  { prices: { minimumPerJob, volumePerGbHour, ...prices } }: ProviderView,
  gpus: Record<string, number>,
): string {
  const text = Object.values(prices).join(',')
  // As written before there were minimum charges, prices of models and of volumes, where there is none.
  const kept = volumePerGbHour === 0n ? '' : ` volume ${volumePerGbHour}`
  const least = `${minimumPerJob === 0n ? text : `${text},${minimumPerJob}`}${kept}`
  return Object.keys(gpus).length === 0 ? least : `${least} ${JSON.stringify(gpus)}`
}

/** Events of versions without minimum charges, prices of models and of volumes hold none. */
function complete(event: ProviderEvent): ProviderEvent {
  const { pricing, capacity, ...provider } = event.provider
  const gpu = capacity.total.gpu.map((one) => ({ ...one, pricePerHour: one.pricePerHour ?? pricing.gpu }))
  return {
    ...event,
    provider: {
      ...provider,
      pricing: { ...pricing, minimum: pricing.minimum ?? 0, volume: pricing.volume ?? 0 },
      capacity: { ...capacity, total: { ...capacity.total, gpu } },
    },
  }
}
