/** What `protocol/failures.ts` says of a row, looked for in a job that ended by it. */

import assert from 'node:assert/strict'
import type { BidRecord, JobEvent, JobRecord } from '../../../../node/store/records.ts'
import { attemptCost, currentCost } from '../../../../node/views/cost.ts'
import { jobView } from '../../../../node/views/job-view.ts'
import { type FailureCode, type FailureKind, failureKinds, kindOfFailure } from '../../../../protocol/failures.ts'
import { costOf, meteredSeconds, usdNumber } from '../../../../protocol/money.ts'
import { until } from '../../../support/until.ts'
import { type Brought, leasesOf, MINIMUM } from './stage.ts'

/** Between two rounds of asking for a job, at least, in ms. */
const FIRST_RETRY_MS = 500

/** As a way is called. */
export function nameOf({ code, reason }: Pick<FailureKind, 'code' | 'reason'>): string {
  return reason === null ? code : `${code} ${reason}`
}

export function kindNamed(name: string): FailureKind {
  const found = failureKinds().find((kind) => nameOf(kind) === name)
  assert.ok(found !== undefined, `there is no row ${name}`)
  return found
}

/** Code and reason, remedy, whether and where it was tried again, and what each attempt owes. */
export async function checkRow(kind: FailureKind, { job, node }: Brought): Promise<void> {
  const events = await node.store.events(job.id)
  const all = JSON.stringify({ state: job.state, past: job.pastLeases, events })
  const leases = leasesOf(job)
  const view = jobView(job, node.directory)

  const ends = events.filter(({ type, data }) => (type === 'lost' || type === 'failed') && data.code !== undefined)
  assert.ok(ends.length >= Math.max(1, leases.length), `each attempt's end is told: ${all}`)
  for (const { data } of ends.filter(({ data }) => data.provider !== undefined)) {
    const { code, reason } = data as { code: FailureCode; reason?: string }
    const details = reason === undefined ? {} : { reason }
    assert.equal(nameOf(kindOfFailure({ code, details })), nameOf(kind), all)
  }

  // What its user no longer wanted has no error of its own: its events say it.
  if (job.state.status === 'cancelled') assert.equal(view.error, null)
  else {
    assert.ok(job.state.status === 'failed' && view.error !== null, all)
    assert.equal(nameOf(kindOfFailure(view.error)), nameOf(kind), all)
    assert.deepEqual([view.error.remedy, view.error.fault], [kind.remedy, kind.fault])
    assert.match(view.error.message, /^[^\n]+$/)
  }

  if (leases.length > 0) {
    const tries = kind.elsewhere ? 2 : 1
    assert.deepEqual([leases.length, job.attempt], [tries, tries], all)
    const used = new Set(leases.map(({ provider }) => provider))
    const isElsewhere = used.size === tries || !wasOffered(job, await node.store.bids(job.id), events, used)
    assert.ok(isElsewhere, `the next attempt is elsewhere, where that can be: ${all}`)
  }

  for (const lease of leases) {
    const hasRun = events.some(({ type, data }) => type === 'started' && data.provider === lease.provider)
    const time = costOf(BigInt(lease.pricePerHour), meteredSeconds(lease.meteredMs))
    const owed = attemptCost(lease, true)
    assert.ok(time < MINIMUM, 'the time costs less than the minimum')
    const expected = !hasRun ? 0n : kind.billed === 'with-minimum' ? MINIMUM : time
    assert.equal(owed, expected, `${hasRun ? kind.billed : 'it never ran'}: ${all}`)
  }
  assert.equal(view.cost.final, usdNumber(currentCost(job)))
}

/**
 * Whether another provider would have taken the second attempt, and nobody was late: one that failed is kept out of a single
 * round, so on a busy machine, where the other's answer to that did not come in time, it may have the job again.
 */
function wasOffered(job: JobRecord, bids: BidRecord[], events: JobEvent[], used: ReadonlySet<string>): boolean {
  const [lostMs = 0] = timesOf(events, 'lost')
  const again = timesOf(events, 'scheduled').some((atMs) => atMs > lostMs + FIRST_RETRY_MS)
  if (again || wasLate(job)) return false
  return bids.some(({ attempt, provider, outcome }) => attempt > 1 && !used.has(provider) && outcome === 'released')
}

function timesOf(events: JobEvent[], wanted: JobEvent['type']): number[] {
  return events.filter(({ type }) => type === wanted).map(({ timestampMs }) => timestampMs)
}

/**
 * Against whom it counted: written down without anybody's waiting, so looked at once everything else is over.
 * @param late providers that did not answer in time, which counts by itself
 */
export async function checkCounts(
  kind: FailureKind,
  owner: string,
  { job, node }: Brought,
  late: ReadonlySet<string>,
): Promise<void> {
  const broken = async (name: string): Promise<boolean> =>
    ((await node.store.trackRecords()).get(name)?.broken ?? 0) > 0
  for (const { provider } of leasesOf(job)) {
    if (kind.counts === 'for-everybody') await until(async () => await broken(provider))
    if (kind.counts === 'for-owner') await until(async () => await broken(`${provider} ${owner}`))
    const what = `${nameOf(kind)} counts ${kind.counts}`
    assert.equal(await broken(`${provider} ${owner}`), kind.counts === 'for-owner', what)
    if (!late.has(provider)) assert.equal(await broken(provider), kind.counts === 'for-everybody', what)
  }
}

/** Whether a provider was given the job and did not answer in time, as happens on a busy machine; its next bid hides that. */
function wasLate(job: JobRecord): boolean {
  return job.fence > leasesOf(job).length
}

/** Providers of which one was given the job and did not answer in time, as happens on a busy machine. */
export async function lateFor({ job, node }: Brought): Promise<string[]> {
  if (!wasLate(job)) return []
  return (await node.store.bids(job.id)).map(({ provider }) => provider)
}
