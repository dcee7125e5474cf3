import type { BillRecord, JobStore, VolumeCharge } from '../../node/store/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import { breathe } from '../../node/turns.ts'
import { currentCost, mostUsed } from '../../node/views/cost.ts'
import { chargeOf, type NanoUsd, termsOf, usdNumber } from '../../protocol/money.ts'
import { type CostRow, NONE } from '../contract/costs.ts'

/** Jobs read at a time. */
const BATCH = 500
interface Sum {
  jobs: number
  estimated: NanoUsd
  actual: NanoUsd
  volumes: NanoUsd
}

/** By what jobs, and what is signed for volumes, are grouped. */
export interface Grouping {
  ofJob(job: BillRecord): string
  ofVolume(charge: VolumeCharge): string
}

/** What jobs of a time cost, those that went with their age included, and volumes in that time, by group: added up in whole nano-dollars, shown in dollars. */
export async function costRows(
  store: Pick<JobStore, 'listIds' | 'look' | 'eachBill' | 'volumeCosts'>,
  range: { owner: string | undefined; fromMs: number; toMs: number },
  { ofJob, ofVolume }: Grouping,
): Promise<{ rows: CostRow[]; total: Omit<CostRow, 'group'> }> {
  const { owner, fromMs, toMs } = range
  const sums = new Map<string, Sum>()
  const total: Sum = { ...NOTHING }
  const sumOf = (group: string): Sum => {
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
  for await (const charge of store.volumeCosts(range)) {
    await breathe()
    for (const into of [sumOf(ofVolume(charge)), total]) into.volumes += charge.cost
  }
  const rows = [...sums]
    .map(([group, sum]) => ({ group, ...shown(sum) }))
    .toSorted((a, b) => (a.group < b.group ? -1 : 1))
  return { rows, total: shown(total) }
}

const NOTHING: Readonly<Sum> = { jobs: 0, estimated: 0n, actual: 0n, volumes: 0n }

function add(sum: Sum, job: BillRecord): void {
  sum.jobs += 1
  sum.estimated += estimatedCost(job)
  sum.actual += currentCost(job)
}

function shown({ jobs, estimated, actual, volumes }: Sum): Omit<CostRow, 'group'> {
  return { jobs, estimated: usdNumber(estimated), actual: usdNumber(actual), volumes: usdNumber(volumes) }
}

/** What the job would cost on its accepted terms if it ran for its whole duration and grace, and sent and received all that it may; nothing before it has a price. */
function estimatedCost(job: BillRecord): NanoUsd {
  const lease = leaseOf(job)
  return lease === null ? 0n : chargeOf(termsOf(lease), mostUsed(job))
}

/** What is grouped by: `day`, `provider`, or `label.KEY`, which volumes have none of. */
export function grouping(groupBy: string): Grouping {
  if (groupBy === 'day') {
    return { ofJob: (job) => dayOf(job.createdAtMs), ofVolume: ({ signedAtMs }) => dayOf(signedAtMs) }
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

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 'YYYY-MM-DD'.length)
}
