import type { BillRecord, JobStore, VolumeCharge } from '../../node/store/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import { breathe } from '../../node/turns.ts'
import { currentCost, mostCost, mostUsed, termsOrNull } from '../../node/views/cost.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { chargeOf, type NanoUsd, usdNumber } from '../../protocol/money.ts'
import type { CostRow } from '../contract/cost-answers.ts'
import { NONE } from '../contract/costs.ts'
import type { Days } from './days.ts'

/** Jobs read at a time. */
const BATCH = 500
type Amount = 'final' | 'volumes' | 'running' | 'projected' | 'estimated'
/** What a group comes to, in nano-dollars; see {@link CostRow}, whose further amounts are sums of these. */
export type CostSum = { jobs: number } & Record<Amount, NanoUsd>

/** By what jobs, and what is signed for volumes, are grouped. */
export interface Grouping {
  ofJob(job: BillRecord): string
  ofVolume(charge: VolumeCharge): string
}

/** Whose costs, and of which time: jobs created in it. */
export interface CostRange {
  /** Everybody's where there is none. */
  owner: string | undefined
  fromMs: number
  /** Before it. */
  toMs: number
}

/** What costs are read of. */
export type CostStore = Pick<JobStore, 'listIds' | 'look' | 'eachBill' | 'volumeCosts'>

/** What jobs of a time cost, those that went with their age included, and volumes in that time, by group: added up in whole nano-dollars. */
export async function costSums(
  store: CostStore,
  { owner, fromMs, toMs: endMs }: CostRange,
  { ofJob, ofVolume }: Grouping,
): Promise<{ sums: Map<string, CostSum>; total: CostSum }> {
  const toMs = endMs - 1
  const sums = new Map<string, CostSum>()
  const total: CostSum = { ...NOTHING }
  const sumOf = (group: string): CostSum => {
    const sum = sums.get(group) ?? { ...NOTHING }
    sums.set(group, sum)
    return sum
  }
  const count = (job: BillRecord): void => {
    for (const into of [sumOf(ofJob(job)), total]) add(into, job)
  }
  let after: string | undefined
  for (;;) {
    const page = await store.listIds({
      fromMs,
      toMs,
      order: 'asc',
      limit: BATCH,
      ...(owner === undefined ? {} : { owner }),
      ...(after === undefined ? {} : { after }),
    })
    const counted = new Set<string>()
    await store.look(page.ids, (job) => {
      counted.add(job.id)
      count(job)
    })
    const upTo = page.hasMore ? page.ids.at(-1) : undefined
    // Of the same part of the time, after its jobs: one that goes meanwhile is one of both, or both.
    for await (const bill of store.eachBill(fromMs, toMs, { owner, after, upTo })) {
      if (!counted.has(bill.id)) count(bill)
    }
    after = upTo
    if (after === undefined) break
  }
  for await (const charge of store.volumeCosts({ owner, fromMs, toMs })) {
    await breathe()
    for (const into of [sumOf(ofVolume(charge)), total]) into.volumes += charge.cost
  }
  return { sums, total }
}

/** The same in dollars, in the order of the groups' names. */
export function costRows({ sums, total }: Awaited<ReturnType<typeof costSums>>): {
  rows: CostRow[]
  total: Omit<CostRow, 'group'>
} {
  const rows = [...sums]
    .map(([group, sum]) => ({ group, ...shown(sum) }))
    .toSorted((a, b) => (a.group < b.group ? -1 : 1))
  return { rows, total: shown(total) }
}

const NOTHING: Readonly<CostSum> = { jobs: 0, final: 0n, volumes: 0n, running: 0n, projected: 0n, estimated: 0n }

function add(sum: CostSum, job: BillRecord): void {
  const actual = currentCost(job)
  const terms = termsOrNull(job)
  sum.jobs += 1
  if (isTerminal(job.state.status)) {
    sum.final += actual
  } else {
    sum.running += actual
    sum.projected += terms === null ? actual : mostCost(job, terms)
  }
  sum.estimated += terms === null ? 0n : chargeOf(terms, mostUsed(job))
}

function shown({ jobs, final, volumes, running, projected, estimated }: CostSum): Omit<CostRow, 'group'> {
  return {
    jobs,
    spent: usdNumber(final + volumes),
    final: usdNumber(final),
    volumes: usdNumber(volumes),
    running: usdNumber(running),
    projected: usdNumber(projected),
    actual: usdNumber(final + running),
    estimated: usdNumber(estimated),
  }
}

/** What is grouped by: `day`, `provider`, or `label.KEY`, which volumes have none of. */
export function grouping(groupBy: string, days: Days): Grouping {
  if (groupBy === 'day') {
    return { ofJob: (job) => days.of(job.createdAtMs), ofVolume: ({ signedAtMs }) => days.of(signedAtMs) }
  }
  if (groupBy === 'provider') {
    return { ofJob: (job) => leaseOf(job)?.provider ?? NONE, ofVolume: ({ provider }) => provider }
  }
  const label = groupBy.slice('label.'.length)
  return {
    ofJob: (job) => (Object.hasOwn(job.spec.labels, label) ? (job.spec.labels[label] ?? NONE) : NONE),
    ofVolume: () => NONE,
  }
}
