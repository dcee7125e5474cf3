import type { JobRecord, JobStore } from '../../node/store/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import { attemptCost, currentCost, mostOfAttempt, mostSecondsOf } from '../../node/views/cost.ts'
import { maxPricePerHour } from '../../protocol/job-spec.ts'
import { mostCharge, type NanoUsd, termsOf } from '../../protocol/money.ts'
import { ENDED_STATUSES, isTerminal, OPEN_STATUSES } from '../contract/job-status.ts'
import { ToolError } from './tool-error.ts'

/** Jobs read at a time. */
const PAGE = 500
/** Jobs of an owner that are looked at for those of a key: of more it is not known in time what they cost. */
const MAX_LOOKED_AT = 20_000

/** Whose jobs: the key's alone that had its tools make them, which is the gateway's word and no label of the job. */
export interface Spender {
  owner: string
  keyId: string
}

/**
 * What jobs come to that the tools of a key made: those that go on, however old, with the most that they may, and those
 * that ended at or after a time.
 * @throws {ToolError} BUDGET_EXCEEDED where there are too many to know
 */
export async function spentBy(
  store: Pick<JobStore, 'listIds' | 'look'>,
  { owner, keyId }: Spender,
  { fromMs, signal }: { fromMs: number; signal: AbortSignal },
): Promise<NanoUsd> {
  // By id: one that ends meanwhile is in both lists, and counts once.
  const amounts = new Map<string, NanoUsd>()
  let looked = 0

  async function add(list: Pick<Parameters<JobStore['listIds']>[0], 'statuses' | 'sort'>): Promise<void> {
    let isYoung = true
    let after: string | undefined
    while (isYoung) {
      signal.throwIfAborted()
      const { ids, next } = await store.listIds({
        owner,
        ...list,
        ...(after === undefined ? {} : { after }),
        limit: PAGE,
      })
      looked += ids.length
      if (looked > MAX_LOOKED_AT) throw tooMany()
      await store.look(ids, (job) => {
        if ('endedAtMs' in job.state && job.state.endedAtMs < fromMs) isYoung = false
        else if (job.origin.mcpKey === keyId) amounts.set(job.id, mostOf(job))
      })
      if (ids.length < PAGE || next === null) return
      after = next
    }
  }

  await add({ statuses: OPEN_STATUSES })
  await add({ statuses: ENDED_STATUSES, sort: 'endedAt' })
  return [...amounts.values()].reduce((sum, amount) => sum + amount, 0n)
}

/** What a job has come to, or may: without a provider at its cap, and with one on the terms that were agreed. */
function mostOf(job: JobRecord): NanoUsd {
  const current = currentCost(job)
  if (isTerminal(job.state.status)) return current
  const lease = leaseOf(job)
  if (lease !== null) return current - attemptCost(lease, false) + mostCharge(termsOf(lease), mostOfAttempt(job))
  // One without a cap was made without a budget, and counts once somebody has named a price for it.
  const cap = maxPricePerHour(job.spec) ?? 0n
  return current + (cap * BigInt(mostSecondsOf(job)) + 3599n) / 3600n
}

function tooMany(): ToolError {
  const message = `More than ${MAX_LOOKED_AT} jobs of this owner go on or ended within 24 hours, so it is not known what is left of the budget`
  return new ToolError('BUDGET_EXCEEDED', message, { remedy: 'Wait, or have a key of another owner made for tools.' })
}
