import { JOB_STATUSES, type JobStatus } from '../../../protocol/lifecycle.ts'
import type { NanoUsd } from '../../../protocol/money.ts'
import { key, SEPARATOR, type Tables, within } from '../tables.ts'
import type { VolumeCharge } from '../volume-records.ts'
import { ANY, costKey, facetPart, NO_FACET, orderPrefix, ownerPart, totalKey } from './places.ts'
import { idAt, partsOf } from './times.ts'

/** How many jobs of each status a list has, by owner. */
export type ListTotals = Map<string, Map<JobStatus, number>>

/** Totals of the lists with this facet, of one owner or, where undefined, of each that has any. */
export async function readTotals(tables: Tables, facet: string, owner: string | undefined): Promise<ListTotals> {
  const range = owner === undefined ? within(facet) : within(facet, owner)
  const totals: ListTotals = new Map()
  for (const [at, count] of await tables.totals.iterator(range).all()) {
    const [, whose = '', code] = at.split(SEPARATOR)
    const status = JOB_STATUSES[Number(code)]
    if (status === undefined) continue
    const counts = totals.get(whose) ?? new Map<JobStatus, number>()
    totals.set(whose, counts.set(status, count))
  }
  return totals
}

/** What jobs and volumes cost so far at a provider, of one owner or, where undefined, of all. */
export async function readCosts(tables: Tables, provider: string, owner: string | undefined): Promise<NanoUsd> {
  const { costs } = tables
  const part = facetPart({ kind: 'provider', name: '', value: provider })
  const found =
    owner === undefined ? await costs.values(within(part)).all() : [await costs.get(costKey(provider, owner))]
  return found.reduce((sum: NanoUsd, cost = 0) => sum + BigInt(cost), 0n)
}

/** What was signed for volumes in a time, its ends included, of one owner or, where undefined, of all; oldest first. */
export async function* readVolumeCosts(
  tables: Tables,
  { owner, fromMs, toMs }: { owner: string | undefined; fromMs: number; toMs: number },
): AsyncGenerator<VolumeCharge> {
  const whose = owner === undefined ? ANY : ownerPart(owner)
  const range = { gte: key(whose, Math.max(0, fromMs)), lt: key(whose, Math.max(0, toMs + 1)) }
  for await (const [at, cost] of tables.volumeCosts.iterator(range)) {
    const [, signedAt, , , provider = ''] = at.split(SEPARATOR)
    yield { provider, signedAtMs: Number(signedAt), cost: BigInt(cost) }
  }
}

/** Jobs in these statuses, of all owners in `totals` together. */
export function sumOf(totals: ListTotals, statuses: JobStatus[]): number {
  let sum = 0
  for (const counts of totals.values()) for (const status of statuses) sum += counts.get(status) ?? 0
  return sum
}

/** How many jobs without regard to facets were created from one time until before another. */
export async function countBetween(
  tables: Tables,
  owner: string,
  statuses: JobStatus[],
  fromMs: number,
  beforeMs: number,
): Promise<number> {
  const counts = statuses.flatMap((status) =>
    partsOf(fromMs, beforeMs).map(async (part) => {
      if ('gte' in part) {
        const at = totalKey(owner, NO_FACET, status)
        const spans = await tables.spans.values({ gte: key(at, part.gte), lt: key(at, part.lt) }).all()
        return spans.reduce((sum, count) => sum + count, 0)
      }
      const prefix = key(orderPrefix(owner, NO_FACET, status, 'createdAt'), '', '')
      const range = { gte: prefix + idAt(part.fromMs), lt: prefix + idAt(part.beforeMs) }
      return await countKeys(tables, range)
    }),
  )
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

async function countKeys(tables: Tables, range: { gte: string; lt: string }): Promise<number> {
  const keys = tables.order.keys(range)
  try {
    let count = 0
    for (;;) {
      const { length } = await keys.nextv(1000)
      if (length === 0) return count
      count += length
    }
  } finally {
    await keys.close()
  }
}
