import { JOB_STATUSES, type JobStatus } from '../../../protocol/lifecycle.ts'
import { AFTER_ALL, SEPARATOR, type Tables } from '../tables.ts'
import { type IndexedField, isAbsent, type JobSort, statusPart, ZERO } from './fields.ts'
import { orderPrefix } from './places.ts'

/** Where a job stands in a list: the value it is sorted by, and its id. Sorts as the list does. */
export type Position = string

/** The place of a job with this value, as {@link Position} has it. */
export function positionOf(value: string, id: string): Position {
  return `${value}${SEPARATOR}${id}`
}

/** The id of the job that stands there. */
export function idOf(position: Position): string {
  return position.slice(position.lastIndexOf(SEPARATOR) + 1)
}

function valueIn(position: Position): string {
  return position.slice(0, position.lastIndexOf(SEPARATOR))
}

/** Up or down: of values, and among equal ones of creation. */
export type Order = 'asc' | 'desc'

/** A job in a list. */
export interface Entry {
  position: Position
  /** The batch it came from; empty where it came from none, or where nobody asked for it. */
  batch: string
}

/** Entries in order. */
export interface Source {
  next(): Promise<Entry | undefined>
  close(): Promise<void>
}

/** A list, and which part of it is wanted. */
export interface SourceRange {
  /** As a key part, or `*` for every owner. */
  owner: string
  /** As a key part, or `-` for every job. */
  facet: string
  sort: JobSort
  order: Order
  /** Only what comes after it. */
  after?: Position | undefined
  /** Ids at or above, and below it; kept only where the list is by creation alone. */
  ids: { gte: string; lt: string }
  /** Whether entries say which batch they are of. @default false */
  withBatches?: boolean
}

const EVERY_ID = { gte: '', lt: AFTER_ALL }

export { EVERY_ID }

/** Whether the jobs of a status come in the order of creation, since all have the same value. */
export function isByCreation(sort: JobSort, status: JobStatus): boolean {
  return sort === 'createdAt' || sort === 'status' || isAbsent(status, sort)
}

/** Jobs of one list and status; null where none can come. */
export function openSource(tables: Tables, status: JobStatus, range: SourceRange, first: number): Source | null {
  const { owner, facet, sort, order, after, withBatches = false } = range
  const reverse = order === 'desc'
  if (!isByCreation(sort, status)) {
    const prefix = orderPrefix(owner, facet, status, sort as IndexedField) + SEPARATOR
    const from = after !== undefined && !reverse ? after : ''
    const to = after !== undefined && reverse ? after : AFTER_ALL
    const keys = { gt: prefix + from, lt: prefix + to, reverse }
    return tableSource(tables, keys, { cut: prefix.length, value: '', first, withBatches })
  }
  const value = sort === 'createdAt' ? '' : sort === 'status' ? statusPart(status) : ZERO
  const prefix = orderPrefix(owner, facet, status, 'createdAt') + SEPARATOR
  let { gte, lt } = range.ids
  if (after !== undefined) {
    const told = valueIn(after)
    if (told !== value && told > value !== reverse) return null
    if (told === value) {
      const id = idOf(after)
      // The least id above it is the id with the least letter behind it.
      if (reverse) [lt = lt] = [id, lt].toSorted()
      else [, gte = gte] = [`${id}\0`, gte].toSorted()
    }
  }
  const begin = prefix + SEPARATOR
  const keys = { gte: begin + gte, lt: begin + lt, reverse }
  return tableSource(tables, keys, { cut: prefix.length, value, first, withBatches })
}

/** What is made of the keys of a range. */
interface TableSourceInit {
  /** Letters that each begins with, and that are left out. */
  cut: number
  /** What each has before the rest. */
  value: string
  /** Read at once to begin with; what is read ahead grows, so that short lists cost little. */
  first: number
  withBatches: boolean
}

function tableSource(
  tables: Tables,
  range: { gt?: string; gte?: string; lt: string; reverse: boolean },
  { cut, value, first, withBatches }: TableSourceInit,
): Source {
  const reader = withBatches ? tables.order.iterator(range) : tables.order.keys(range)
  let read: (string | [at: string, batch: string])[] = []
  let place = 0
  let size = first
  return {
    async next() {
      if (place === read.length) {
        read = await reader.nextv(size)
        place = 0
        size = Math.min(size * 4, 1000)
      }
      const found = read[place]
      place += 1
      if (found === undefined) return undefined
      const [at, batch] = typeof found === 'string' ? [found, ''] : found
      return { position: value + at.slice(cut), batch }
    },
    close: async () => await reader.close(),
  }
}

/** Entries that are in memory. */
export function listSource(entries: Entry[], order: Order, after: Position | undefined): Source {
  const sorted = entries.toSorted((a, b) => (a.position < b.position ? -1 : 1))
  if (order === 'desc') sorted.reverse()
  const isLater = ({ position }: Entry) =>
    after === undefined || (order === 'asc' ? position > after : position < after)
  const start = sorted.findIndex(isLater)
  let at = start === -1 ? sorted.length : start
  return {
    next: async () => sorted[at++],
    close: async () => undefined,
  }
}

/**
 * The entries of several sources in one order, each job once: one that moves to its next status while the sources are
 * opened, which happens in the order of the lifecycle, stands in two of them.
 */
export async function* merged(sources: Source[], order: Order): AsyncGenerator<Entry> {
  try {
    const heads = await Promise.all(sources.map((source) => source.next()))
    let last: Position | undefined
    for (;;) {
      let best = -1
      heads.forEach((head, i) => {
        if (head === undefined) return
        const leader = heads[best]?.position
        if (leader === undefined || (order === 'asc' ? head.position < leader : head.position > leader)) best = i
      })
      const entry = heads[best]
      if (entry === undefined) return
      if (entry.position !== last) yield entry
      last = entry.position
      heads[best] = await sources[best]?.next()
    }
  } finally {
    await Promise.all(sources.map((source) => source.close()))
  }
}

/** In the order of the lifecycle, each once; all where undefined. */
export function knownStatuses(statuses: JobStatus[] | undefined): JobStatus[] {
  return JOB_STATUSES.filter((status) => statuses === undefined || statuses.includes(status))
}
