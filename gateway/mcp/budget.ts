import { formatUsd, larger, type NanoUsd, parseUsd } from '../../protocol/money.ts'
import type { CortexClient, Job, JobListItem, JobSubmission } from '../client/index.ts'
import { JOB_DEFAULTS } from '../contract/job-defaults.ts'
import { isTerminal } from '../contract/job-status.ts'
import { ToolError } from './tool-error.ts'

/** By this label the jobs are found that a key had run through tools; its value is the key's id. */
const KEY_LABEL = 'mcp.key'
/** Of how long a time jobs count, in ms. */
const DAY_MS = 86_400_000
/** Jobs of a day that are added up at most: whoever has more is refused, since what they cost is not known. */
const MAX_JOBS = 2_000
/** What rounding up may take of each part of a price. */
const ROUNDING = 8n

/** How much of a budget is left, as decimal text of US dollars. */
export interface BudgetState {
  limitUsd: string
  /** What jobs of the last 24 hours cost, those that have not ended counted with the most that they may. */
  usedUsd: string
  remainingUsd: string
}

/** What a key may spend through tools in 24 hours. */
export interface Budget {
  state(signal: AbortSignal): Promise<BudgetState>
  /**
   * Submits a job that cannot cost more than what is left: its price is capped so. One at a time, so that two do not
   * spend the same.
   * @throws {ToolError} BUDGET_EXCEEDED
   */
  submit(job: JobSubmission, signal: AbortSignal): Promise<Job>
}

/** Runs what is given one after the other, for each name. */
export type InTurn = <T>(name: string, work: () => Promise<T>) => Promise<T>

/** Names that nobody waits for are forgotten. */
export function createTurns(): InTurn {
  const last = new Map<string, Promise<unknown>>()
  return async (name, work) => {
    const before = last.get(name) ?? Promise.resolve()
    const mine = before.then(work, work)
    last.set(name, mine)
    try {
      return await mine
    } finally {
      if (last.get(name) === mine) last.delete(name)
    }
  }
}

/** @param init.keyId whose jobs count */
export function createBudget(
  { client, inTurn }: { client: CortexClient; inTurn: InTurn },
  { keyId, limit }: { keyId: string; limit: NanoUsd },
): Budget {
  async function used(signal: AbortSignal): Promise<NanoUsd> {
    const from = new Date(Date.now() - DAY_MS)
    const fields = ['status', 'cost'] as const
    let sum = 0n
    let jobs = 0
    for await (const job of client.jobs.all({ labels: { [KEY_LABEL]: keyId }, from, fields }, { signal })) {
      jobs += 1
      if (jobs > MAX_JOBS) {
        throw new ToolError(
          'BUDGET_EXCEEDED',
          `This key had more than ${MAX_JOBS} jobs run in 24 hours: wait, or ask for another key`,
        )
      }
      sum += mostOf(job)
    }
    return sum
  }

  async function state(signal: AbortSignal): Promise<BudgetState & { remaining: NanoUsd }> {
    const spent = await used(signal)
    const remaining = spent >= limit ? 0n : limit - spent
    return {
      limitUsd: formatUsd(limit),
      usedUsd: formatUsd(spent),
      remainingUsd: formatUsd(remaining),
      remaining,
    }
  }

  /** The job with a price per hour at which all of it costs no more than is left. */
  async function capped(job: JobSubmission, signal: AbortSignal): Promise<JobSubmission> {
    const { remaining, ...told } = await state(signal)
    const seconds =
      BigInt(Number(job.duration ?? JOB_DEFAULTS.duration)) +
      BigInt(Number(job.stopGraceSeconds ?? JOB_DEFAULTS.stopGraceSeconds))
    const own = job.maxPrice === undefined ? null : parseUsd(job.maxPrice)
    const affordable = (remaining * 3600n) / seconds
    const cap = own !== null && own < affordable ? own : affordable
    if (cap === 0n) throw exceeded(told, 'Nothing is left of it')
    const { quotes } = await client.jobs.dryRun(job, { signal })
    const costs = quotes.filter(({ accepts }) => accepts).map(({ cost }) => parseUsd(cost ?? 0) ?? limit)
    const within = costs.filter((cost) => cost <= remaining)
    if (costs.length > 0 && within.length === 0) {
      const [cheapest = limit] = costs.toSorted((a, b) => Number(a - b))
      throw exceeded(told, `The cheapest provider would take up to ${formatUsd(cheapest)} USD`)
    }
    // Nobody may be free at the moment: then it waits for somebody, at all that is left.
    if (within.length === 0) return { ...job, maxPrice: formatUsd(cap) }
    const wanted = (within.reduce(larger) * 3600n + seconds - 1n) / seconds + ROUNDING
    return { ...job, maxPrice: formatUsd(wanted < cap ? wanted : cap) }
  }

  return {
    async state(signal) {
      const { remaining: _, ...told } = await state(signal)
      return told
    },
    submit: async (job, signal) =>
      await inTurn(keyId, async () => {
        const labelled = { ...job, labels: { ...job.labels, [KEY_LABEL]: keyId } }
        return await client.jobs.submit(await capped(labelled, signal), { signal })
      }),
  }
}

/** What a job has come to, or may. */
function mostOf({ status, cost }: JobListItem): NanoUsd {
  if (cost === undefined) return 0n
  const ended = status !== undefined && isTerminal(status)
  const amount = ended ? (cost.final ?? cost.current) : Math.max(cost.current, cost.projected)
  return parseUsd(amount) ?? 0n
}

function exceeded(told: BudgetState, why: string): ToolError {
  const message = `${why}: ${told.remainingUsd} of ${told.limitUsd} USD are left of what this key may spend in 24 hours. Ask for fewer resources or a shorter duration, or have the budget raised`
  return new ToolError('BUDGET_EXCEEDED', message, { ...told })
}
