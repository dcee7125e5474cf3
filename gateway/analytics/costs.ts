import type { BillRecord, JobStore } from '../../node/store/index.ts'
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
}

/** What jobs of a time cost, by group, those that went with their age included: added up in whole nano-dollars, shown in dollars. */
export async function costRows(
  store: Pick<JobStore, 'listIds' | 'look' | 'eachBill'>,
  range: { owner: string | undefined; fromMs: number; toMs: number },
  groupOf: (job: BillRecord) => string,
): Promise<{ rows: CostRow[]; total: Omit<CostRow, 'group'> }> {
  const { owner, fromMs, toMs } = range
  const sums = new Map<string, Sum>()
  const total: Sum = { jobs: 0, estimated: 0n, actual: 0n }
  const count = (job: BillRecord): void => {
    const group = groupOf(job)
    const sum = sums.get(group) ?? { jobs: 0, estimated: 0n, actual: 0n }
    sums.set(group, sum)
    for (const into of [sum, total]) add(into, job)
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
    await store.look(page.ids, count)
    after = page.ids.at(-1)
    if (!page.hasMore || after === undefined) break
  }
  for await (const bill of store.eachBill(fromMs, toMs)) {
    await breathe()
    if (owner === undefined || bill.owner === owner) count(bill)
  }
  const rows = [...sums]
    .map(([group, sum]) => ({ group, ...shown(sum) }))
    .toSorted((a, b) => (a.group < b.group ? -1 : 1))
  return { rows, total: shown(total) }
}

function add(sum: Sum, job: BillRecord): void {
  sum.jobs += 1
  sum.estimated += estimatedCost(job)
  sum.actual += currentCost(job)
}

function shown({ jobs, estimated, actual }: Sum): Omit<CostRow, 'group'> {
  return { jobs, estimated: usdNumber(estimated), actual: usdNumber(actual) }
}

/** What the job would cost on its accepted terms if it ran for its whole duration and grace, and sent and received all that it may; nothing before it has a price. */
function estimatedCost(job: BillRecord): NanoUsd {
  const lease = leaseOf(job)
  return lease === null ? 0n : chargeOf(termsOf(lease), mostUsed(job))
}

/** What jobs are grouped by: `day`, `provider`, or `label.KEY`. */
export function grouping(groupBy: string): (job: BillRecord) => string {
  if (groupBy === 'day') return (job) => new Date(job.createdAtMs).toISOString().slice(0, 'YYYY-MM-DD'.length)
  if (groupBy === 'provider') return (job) => leaseOf(job)?.provider ?? NONE
  const label = groupBy.slice('label.'.length)
  return (job) => (Object.hasOwn(job.spec.labels, label) ? (job.spec.labels[label] ?? NONE) : NONE)
}
