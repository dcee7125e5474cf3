import type { JobStatus } from '../../../protocol/lifecycle.ts'
import type { JobQuery } from '../index.ts'
import { type JobRecord, leaseOf } from '../records.ts'
import { AFTER_ALL, type Tables } from '../tables.ts'
import { type IndexedField, valuePart } from './fields.ts'
import { ANY, type Facet, facetPart, NO_FACET, ownerPart, surplusPart } from './places.ts'
import { readJobs } from './read-jobs.ts'
import {
  type Entry,
  idOf,
  isByCreation,
  knownStatuses,
  listSource,
  openSource,
  positionOf,
  type Source,
} from './sources.ts'
import { idAt } from './times.ts'
import { countBetween, type ListTotals, readTotals, sumOf } from './totals.ts'

/** Jobs that are rather sorted in memory than looked for in a list that is in order, but not only of them. */
const MAX_SORTED = 2_000

/** How a query is answered. */
export interface Plan {
  sources: Source[]
  /** Ids of the time that is asked for. */
  ids: { gte: string; lt: string }
  /** What the sources do not answer by themselves. */
  where: ((job: JobRecord) => boolean) | null
  /** All that match, where counters know. */
  total: number | null
}

/** A list that the query reads. */
interface List {
  owner: string
  facet: string
  counts: Map<JobStatus, number>
  /** Whether it is only in the order of creation. */
  unsorted: boolean
}

/**
 * Chooses the lists that fewest jobs are in, and opens them: whoever reads the sources closes them.
 *
 * @param first positions read at once to begin with
 */
export async function planQuery(tables: Tables, query: JobQuery, first: number): Promise<Plan> {
  const { fromMs, toMs, sort = 'createdAt', order = 'desc', fold: withBatches = false } = query
  const statuses = knownStatuses(query.statuses)
  const ids = {
    gte: fromMs === undefined ? '' : idAt(fromMs),
    lt: toMs === undefined ? AFTER_ALL : idAt(toMs + 1),
  }
  const facets = facetsOf(query)
  const { lists, answered } = await chooseLists(tables, query, facets, statuses)
  const where = conditionsOf(query, facets, answered)
  const listed = lists.reduce((sum, { counts }) => sum + statuses.reduce((n, one) => n + (counts.get(one) ?? 0), 0), 0)
  const { askedProvider, owner: of } = query
  const isRanged = fromMs !== undefined || toMs !== undefined
  const found =
    isRanged && answered === null
      ? await countBetween(tables, lists[0]?.owner ?? ANY, statuses, fromMs ?? 0, (toMs ?? Infinity) + 1)
      : listed
  const isFew = isRanged && found <= MAX_SORTED

  async function knownTotal(): Promise<number | null> {
    if (isRanged && answered !== null) return null
    if (where === null) return found
    if (isRanged || answered !== null || askedProvider === undefined || query.where !== undefined) return null
    const facet = facetPart({ kind: 'asked', name: '', value: askedProvider })
    return sumOf(await readTotals(tables, facet, of === undefined ? undefined : ownerPart(of)), statuses)
  }

  const after = query.after === undefined ? undefined : positionFrom(query.after)
  const sources: Source[] = []
  // In the order of the lifecycle, see `merged`.
  for (const status of statuses) {
    for (const { owner, facet, counts, unsorted } of lists) {
      if ((counts.get(status) ?? 0) === 0) continue
      if (isByCreation(sort, status) || !(unsorted || isFew)) {
        const source = openSource(tables, status, { owner, facet, sort, order, after, ids, withBatches }, first)
        if (source !== null) sources.push(source)
      } else {
        const entries = await sortedByHand(tables, { owner, facet, status, ids }, sort as IndexedField)
        sources.push(listSource(entries, order, after))
      }
    }
  }
  return { sources, ids, where, total: await knownTotal() }
}

/** Where a page begins, as the sources have it: jobs by creation are told apart by id alone. */
export function positionFrom(after: string): string {
  return after.includes('!') ? after : positionOf('', after)
}

function facetsOf({ provider, batch, labels = {} }: JobQuery): Facet[] {
  return [
    ...(provider === undefined ? [] : [{ kind: 'provider', name: '', value: provider } as const]),
    ...(batch === undefined ? [] : [{ kind: 'batch', name: '', value: batch } as const]),
    ...Object.entries(labels).map(([name, value]) => ({ kind: 'label', name, value }) as const),
  ]
}

/** The lists of the facet that fewest jobs have, or of all jobs where none is asked for. */
async function chooseLists(
  tables: Tables,
  { owner }: JobQuery,
  facets: Facet[],
  statuses: JobStatus[],
): Promise<{ lists: List[]; answered: Facet | null }> {
  const whose = owner === undefined ? undefined : ownerPart(owner)
  if (facets.length === 0) {
    const totals = await readTotals(tables, NO_FACET, whose ?? ANY)
    return { lists: listsOf(totals, NO_FACET, false), answered: null }
  }
  const choices = await Promise.all(
    facets.map(async (facet) => {
      const [sorted, surplus] = [facetPart(facet), surplusPart(facet)]
      const totals = await readTotals(tables, sorted, whose)
      const more: ListTotals = facet.kind === 'label' ? await readTotals(tables, surplus, whose) : new Map()
      const lists = [...listsOf(totals, sorted, false), ...listsOf(more, surplus, true)]
      return { lists, answered: facet, count: sumOf(totals, statuses) + sumOf(more, statuses) }
    }),
  )
  return choices.reduce((best, choice) => (choice.count < best.count ? choice : best))
}

function listsOf(totals: ListTotals, facet: string, unsorted: boolean): List[] {
  return [...totals].map(([owner, counts]) => ({ owner, facet, counts, unsorted }))
}

function conditionsOf(query: JobQuery, facets: Facet[], answered: Facet | null): Plan['where'] {
  const conditions = facets
    .filter((facet) => facet !== answered)
    .map(
      ({ kind, name, value }) =>
        (job: JobRecord) =>
          kind === 'provider'
            ? leaseOf(job)?.provider === value
            : kind === 'batch'
              ? job.origin.batch === value
              : Object.hasOwn(job.spec.labels, name) && job.spec.labels[name] === value,
    )
  const { askedProvider } = query
  if (askedProvider !== undefined) conditions.push((job) => job.spec.provider === askedProvider)
  if (query.where !== undefined) conditions.push(query.where)
  return conditions.length === 0 ? null : (job) => conditions.every((holds) => holds(job))
}

async function sortedByHand(
  tables: Tables,
  list: { owner: string; facet: string; status: JobStatus; ids: { gte: string; lt: string } },
  field: IndexedField,
): Promise<Entry[]> {
  const range = { ...list, sort: 'createdAt', order: 'asc' } as const
  const source = openSource(tables, list.status, range, 1000)
  if (source === null) return []
  const ids: string[] = []
  try {
    for (let at = await source.next(); at !== undefined; at = await source.next()) ids.push(idOf(at.position))
  } finally {
    await source.close()
  }
  const entries: Entry[] = []
  await readJobs(tables, ids, (job) => {
    if (job.state.status !== list.status) return
    entries.push({ position: positionOf(valuePart(job, field), job.id), batch: job.origin.batch ?? '' })
  })
  return entries
}
