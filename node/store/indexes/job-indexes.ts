import type { JobRecord } from '../records.ts'
import { key, type Tables } from '../tables.ts'
import type { VolumeReceiptRecord } from '../volume-records.ts'
import { del, type Operation, put } from '../writer.ts'
import { createCounters } from './counters.ts'
import { type IndexedJob, indexed, indexedReceipt } from './places.ts'
import { spansOf } from './times.ts'

/** What a change of a job changes in the indexes. */
export interface IndexChange {
  /** Entries to write. */
  entries: Operation[]
  /** Counters to write: to be called in the turn in which they are handed to the writer. */
  count(): Operation[]
  /** To be called once all of it is written. */
  done(): void
}

/** What keeps lists and counts of jobs true; see {@link createJobIndexes}. */
export interface JobIndexes {
  /**
   * @param before absent: the job is new
   * @param after absent: it goes
   * @param how.keepCosts what it cost goes on to count @default false
   */
  change(
    before: JobRecord | undefined,
    after: JobRecord | undefined,
    how?: { keepCosts: boolean },
  ): Promise<IndexChange>
  /** For a receipt of a volume that is written for the first time. */
  receipt(receipt: VolumeReceiptRecord): Promise<IndexChange>
}

const NOTHING: IndexChange = { entries: [], count: () => [], done: () => {} }

/**
 * Entries and counters of jobs. A job has one entry for each field it can be sorted by, among all jobs and among those
 * of its owner with its provider, its batch and each of its labels; so a page is a few seeks, however many jobs there
 * are. Which status it has is part of each, so a transition moves them all: some 100 small writes in one batch.
 */
export function createJobIndexes(tables: Tables): JobIndexes {
  const totals = createCounters(tables.totals)
  const spans = createCounters(tables.spans)
  const costs = createCounters(tables.costs)

  return {
    async change(before, after, how) {
      if (before !== undefined && after !== undefined && isSame(before, after)) return NOTHING
      const id = (after ?? before)?.id ?? ''
      const old = before === undefined ? null : indexed(before)
      const now = after === undefined ? null : indexed(after)
      const entries = [
        ...missingFrom(now?.entries, old?.entries).map((at) => del(tables.order, at)),
        ...missingFrom(old?.entries, now?.entries).map((at) => put(tables.order, at, now?.batch ?? '')),
      ]
      const less = missingFrom(now?.totals, old?.totals)
      const more = missingFrom(old?.totals, now?.totals)
      const paid = how?.keepCosts === true ? [] : paidBetween(old, now)
      const paidAt = paid.map(({ at }) => at)
      if (less.length + more.length + paid.length === 0) return { ...NOTHING, entries }
      const timed = new Set([...(old?.timed ?? []), ...(now?.timed ?? [])])
      const spanKeys = (keys: string[]) =>
        keys.filter((at) => timed.has(at)).flatMap((at) => spansOf(id).map((span) => key(at, span)))
      const [lessSpans, moreSpans] = [spanKeys(less), spanKeys(more)]
      await Promise.all([totals.hold([...less, ...more]), spans.hold([...lessSpans, ...moreSpans]), costs.hold(paidAt)])
      return {
        entries,
        count: () => [
          ...less.map((at) => totals.add(at, -1)),
          ...more.map((at) => totals.add(at, 1)),
          ...lessSpans.map((at) => spans.add(at, -1)),
          ...moreSpans.map((at) => spans.add(at, 1)),
          ...paid.map(({ at, nanoUsd }) => costs.add(at, nanoUsd)),
        ],
        done() {
          totals.release([...less, ...more])
          spans.release([...lessSpans, ...moreSpans])
          costs.release(paidAt)
        },
      }
    },
    async receipt(receipt) {
      const { cost, entries } = indexedReceipt(receipt)
      await costs.hold([cost.at])
      return {
        entries: entries.map((at) => put(tables.volumeCosts, at, cost.nanoUsd)),
        count: () => [costs.add(cost.at, cost.nanoUsd)],
        done: () => costs.release([cost.at]),
      }
    },
  }
}

/** By how much what jobs cost changes, where it does. */
function paidBetween(old: IndexedJob | null, now: IndexedJob | null): NonNullable<IndexedJob['cost']>[] {
  const [before, after] = [old?.cost ?? null, now?.cost ?? null]
  const isThere = before !== null && after !== null && before.at === after.at
  const changes = isThere
    ? [{ at: after.at, nanoUsd: after.nanoUsd - before.nanoUsd }]
    : [...(before === null ? [] : [{ at: before.at, nanoUsd: -before.nanoUsd }]), ...(after === null ? [] : [after])]
  return changes.filter(({ nanoUsd }) => nanoUsd !== 0)
}

/** Records are never changed in place, so the same object holds the same. */
function isSame(a: JobRecord, b: JobRecord): boolean {
  return (
    a.state === b.state &&
    a.spec === b.spec &&
    a.durationSeconds === b.durationSeconds &&
    a.pastLeases === b.pastLeases &&
    a.origin === b.origin
  )
}

function missingFrom(some: Set<string> | undefined, all: Set<string> | undefined): string[] {
  return all === undefined ? [] : some === undefined ? [...all] : [...all].filter((at) => !some.has(at))
}
