import type { Clock } from '../../node/clock.ts'
import type { Directory, ProviderView } from '../../node/directory/index.ts'
import { key, within } from '../../node/store/tables.ts'
import { type Database, type Operation, openTable, remove, write } from '../records/table.ts'
import { percentTaken } from './view.ts'

/** Pause between two looks, in ms. */
export const SAMPLE_EVERY_MS = 5 * 60_000
const DAY_MS = 24 * 3_600_000
/** Days that are kept. */
const KEPT_DAYS = 31
/** Providers that are watched at most: a day of each takes some kilobytes. */
const MAX_PROVIDERS = 1_000

/** What is seen of a provider at one moment. Shares in percent of its capacity; null where it was away or not measured. */
export interface ProviderSample {
  timestampMs: number
  online: boolean
  latency: number | null
  cpu: number | null
  memory: number | null
  storage: number | null
}

/** How busy and how near providers were, every five minutes of the last month. */
export interface ProviderSamples {
  /** Of one provider, `fromMs` ≤ time, oldest first. */
  read(provider: string, fromMs: number): Promise<ProviderSample[]>
  /** Notes how all of them are now. */
  look(): Promise<void>
  /** Looks again and again. */
  run(signal: AbortSignal): Promise<void>
}

/** Looks at nobody before its `run`, and at the first thousand of the directory at most. */
export function createProviderSamples(components: {
  db: Database
  directory: Directory
  clock: Clock
}): ProviderSamples {
  const { db, directory, clock } = components
  /** provider, day → how it was on that day. */
  const providerDays = openTable<ProviderSample[]>(db, 'provider-days')
  let forgottenOn = 0

  async function look(): Promise<void> {
    const nowMs = clock.nowMs()
    const day = Math.floor(nowMs / DAY_MS)
    const operations: Operation[] = []
    for (const provider of directory.list().slice(0, MAX_PROVIDERS)) {
      const place = key(provider.provider, dayKey(day))
      const before = (await providerDays.get(place)) ?? []
      operations.push(write(providerDays, place, [...before, sampleOf(provider, nowMs)]))
    }
    await db.batch(operations)
    if (forgottenOn !== day) await forget(day - KEPT_DAYS)
    forgottenOn = day
  }

  async function forget(upToDay: number): Promise<void> {
    const old: Operation[] = []
    for await (const place of providerDays.keys()) {
      if (Number(place.split('!').at(-1)) <= upToDay) old.push(remove(providerDays, place))
    }
    await db.batch(old)
  }

  return {
    look,
    async read(provider, fromMs) {
      const days = await providerDays.values({ ...within(provider), limit: KEPT_DAYS + 1, reverse: true }).all()
      return days
        .flat()
        .filter(({ timestampMs }) => timestampMs >= fromMs)
        .toSorted((a, b) => a.timestampMs - b.timestampMs)
    },
    async run(signal) {
      while (!signal.aborted) {
        await look()
        // Aborted: the loop ends.
        await clock.sleep(SAMPLE_EVERY_MS, signal).catch(() => undefined)
      }
    },
  }
}

/** Sorts by time. */
function dayKey(day: number): string {
  return String(day).padStart(8, '0')
}

function sampleOf({ status, latencyMs, total, free }: ProviderView, timestampMs: number): ProviderSample {
  if (status === 'offline') return { timestampMs, online: false, latency: null, cpu: null, memory: null, storage: null }
  return {
    timestampMs,
    online: true,
    latency: latencyMs,
    cpu: percentTaken(total.cpuMillis, free.cpuMillis),
    memory: percentTaken(total.memoryBytes, free.memoryBytes),
    storage: percentTaken(total.storageBytes, free.storageBytes),
  }
}
