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

/** Positions in order. */
export interface Source {
  next(): Promise<Position | undefined>
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
}

const EVERY_ID = { gte: '', lt: AFTER_ALL }

export { EVERY_ID }

/** Whether the jobs of a status come in the order of creation, since all have the same value. */
export function isByCreation(sort: JobSort, status: JobStatus): boolean {
  return sort === 'createdAt' || sort === 'status' || isAbsent(status, sort)
}

/** Jobs of one list and status; null where none can come. */
export function openSource(tables: Tables, status: JobStatus, range: SourceRange, first: number): Source | null {
  const { owner, facet, sort, order, after } = range
  const reverse = order === 'desc'
  if (!isByCreation(sort, status)) {
    const prefix = orderPrefix(owner, facet, status, sort as IndexedField) + SEPARATOR
    const from = after !== undefined && !reverse ? after : ''
    const to = after !== undefined && reverse ? after : AFTER_ALL
    return keySource(tables, { gt: prefix + from, lt: prefix + to, reverse }, prefix.length, '', first)
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
  return keySource(tables, { gte: begin + gte, lt: begin + lt, reverse }, prefix.length, value, first)
}

/** Keys of a range, without their first letters; what is read ahead grows, so that short lists cost little. */
function keySource(
  tables: Tables,
  range: { gt?: string; gte?: string; lt: string; reverse: boolean },
  cut: number,
  value: string,
  first: number,
): Source {
  const keys = tables.order.keys(range)
  let read: string[] = []
  let at = 0
  let size = first
  return {
    async next() {
      if (at === read.length) {
        read = await keys.nextv(size)
        at = 0
        size = Math.min(size * 4, 1000)
      }
      const found = read[at]
      at += 1
      return found === undefined ? undefined : value + found.slice(cut)
    },
    close: async () => await keys.close(),
  }
}

/** Positions that are in memory. */
export function listSource(positions: Position[], order: Order, after: Position | undefined): Source {
  const sorted = positions.toSorted()
  if (order === 'desc') sorted.reverse()
  const start = after === undefined ? 0 : sorted.findIndex((one) => (order === 'asc' ? one > after : one < after))
  let at = start === -1 ? sorted.length : start
  return {
    next: async () => sorted[at++],
    close: async () => undefined,
  }
}

/**
 * The positions of several sources in one order, each job once: one that moves to its next status while the sources are
 * opened, which happens in the order of the lifecycle, stands in two of them.
 */
export async function* merged(sources: Source[], order: Order): AsyncGenerator<Position> {
  try {
    const heads = await Promise.all(sources.map((source) => source.next()))
    let last: Position | undefined
    for (;;) {
      let best = -1
      heads.forEach((head, i) => {
        const leader = heads[best]
        if (head !== undefined && (leader === undefined || (order === 'asc' ? head < leader : head > leader))) best = i
      })
      const position = heads[best]
      if (position === undefined) return
      if (position !== last) yield position
      last = position
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
