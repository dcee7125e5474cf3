import type { Directory } from '../../node/directory/index.ts'
import type { FeedEntry, JobStore } from '../../node/store/index.ts'
import { isoTime } from '../../node/views/time.ts'
import { eventView, jobView } from '../jobs/index.ts'
import type { ProviderEvent, ProviderLog } from '../providers/index.ts'
import { followSource } from './follow-source.ts'

/** Events read at a time from each of the two logs. */
const BATCH = 100

/** How far a reader is in both logs; as text `JOBS-PROVIDERS`. */
export interface EventPosition {
  jobs: number
  providers: number
}

/** One thing that happened, as streams and sockets tell it. */
export interface ApiEvent {
  /** `JOBS-PROVIDERS`: where a reader goes on after it. */
  id: string
  /** `job.` and the job event's type, or `provider.…`. */
  type: string
  createdAt: string
  data: Record<string, unknown>
}

/** What events are read from. */
export interface EventStreamComponents {
  store: Pick<JobStore, 'feed' | 'onFeed' | 'feedEnd' | 'get'>
  directory: Pick<Directory, 'list'>
  providerLog: ProviderLog
}

/** Which events somebody is told of. */
export interface EventFilter {
  /** Undefined: every owner's jobs. */
  owner: string | undefined
  /** Whether an event of this type is wanted. */
  wants(type: string): boolean
}

/** A position from an event's id; null where it is none. */
export function parsePosition(text: string): EventPosition | null {
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(text)
  return match === null ? null : { jobs: Number(match[1]), providers: Number(match[2]) }
}

/** Behind everything that has happened until now. */
export function endOf({ store, providerLog }: EventStreamComponents): EventPosition {
  return { jobs: store.feedEnd(), providers: providerLog.end() }
}

/** The position, or the end of a log where it is behind that: of a store that was put back to a backup since, or mended. */
export function withinEnds(components: EventStreamComponents, { jobs, providers }: EventPosition): EventPosition {
  const end = endOf(components)
  return { jobs: Math.min(jobs, end.jobs), providers: Math.min(providers, end.providers) }
}

/** Reads both logs on from a position. */
export interface EventReader {
  /** The next batch: what passes the filter, and whether there was anything at all. */
  next(): Promise<{ events: ApiEvent[]; any: boolean }>
  /** Id of the last event that was read, wanted or not. */
  position(): string
}

/** Reads at most a hundred entries of each log at a time. @param after the position behind which it begins */
export function createEventReader(
  components: EventStreamComponents,
  after: EventPosition,
  filter: EventFilter,
): EventReader {
  const { store, providerLog } = components
  const told: EventPosition = { ...after }

  return {
    position: () => positionText(told),
    async next() {
      const entries = await store.feed(told.jobs, BATCH)
      const changes = await providerLog.read(told.providers, BATCH)
      const batch = merged(
        entries.map((entry) => ({ atMs: entry.event.timestampMs, entry })),
        changes.map((event) => ({ atMs: event.timestampMs, event })),
      )
      const events: ApiEvent[] = []
      for (const happened of batch) {
        if ('entry' in happened) told.jobs = happened.entry.position
        else told.providers = happened.event.seq
        const view = await viewOf(components, happened, filter)
        if (view !== null) events.push({ id: positionText(told), ...view })
      }
      return { events, any: batch.length > 0 }
    },
  }
}

/** Every event after a position that passes the filter, until the signal aborts. */
export async function* followEverything(
  components: EventStreamComponents,
  after: EventPosition,
  filter: EventFilter,
  signal: AbortSignal,
): AsyncGenerator<ApiEvent[]> {
  const { store, providerLog } = components
  const reader = createEventReader(components, after, filter)
  const source = {
    async read() {
      const { events, any } = await reader.next()
      return any ? [events] : []
    },
    ended: async () => false,
    onChange(callback: () => void) {
      const stops = [store.onFeed(callback), providerLog.onChange(callback)]
      return () => {
        for (const stop of stops) stop()
      }
    },
  }
  for await (const batches of followSource(source, signal)) {
    const events = batches.flat()
    if (events.length > 0) yield events
  }
}

function positionText({ jobs, providers }: EventPosition): string {
  return `${jobs}-${providers}`
}

type Happened = { atMs: number } & ({ entry: FeedEntry } | { event: ProviderEvent })

/** Both by time, each in its own order, whatever its clock did. */
function merged(jobs: Happened[], providers: Happened[]): Happened[] {
  const all: Happened[] = []
  let i = 0
  for (const job of jobs) {
    for (let next = providers[i]; next !== undefined && next.atMs < job.atMs; next = providers[i]) {
      all.push(next)
      i += 1
    }
    all.push(job)
  }
  return [...all, ...providers.slice(i)]
}

async function viewOf(
  { store, directory }: EventStreamComponents,
  happened: Happened,
  filter: EventFilter,
): Promise<Omit<ApiEvent, 'id'> | null> {
  const createdAt = isoTime(happened.atMs)
  if ('event' in happened) {
    const { type, provider } = happened.event
    return filter.wants(type) ? { type, createdAt, data: { provider } } : null
  }
  const { jobId, owner, event } = happened.entry
  const type = `job.${event.type}`
  if ((filter.owner !== undefined && owner !== filter.owner) || !filter.wants(type)) return null
  const job = await store.get(jobId)
  const shown = job === undefined ? { id: jobId } : jobView(job, directory)
  return { type, createdAt, data: { job: shown, event: eventView(event) } }
}
