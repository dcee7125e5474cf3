import { type JobSpec, mostOf } from '../../protocol/job-spec.ts'
import { MAX_PRICE_NANO_USD } from '../../protocol/limits.ts'
import { effectivePerHour, formatUsd, larger, type NanoUsd, parseUsd } from '../../protocol/money.ts'
import type { CortexClient, DryRun, Job, JobSubmission } from '../client/index.ts'
import { submissionSchema } from '../contract/job-config.ts'
import { assertBounded } from './bounded.ts'
import { ToolError } from './tool-error.ts'

/** How much of a budget is left, as decimal text of US dollars. */
export interface BudgetState {
  limitUsd: string
  /** What jobs come to that ended in the last 24 hours, and those that go on with the most that they may. */
  usedUsd: string
  remainingUsd: string
}

/** What a key may spend through tools in 24 hours. */
export interface Budget {
  state(signal: AbortSignal): Promise<BudgetState>
  /**
   * Submits a job that cannot cost more than what is left: its price is capped so, and it has one attempt. One at a time, so
   * that two do not spend the same.
   * @throws {ToolError} BUDGET_EXCEEDED; VALIDATION_ERROR where something of it has no bound
   * @throws {ZodError} where it is no valid job
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

/** What {@link createBudget} works with. */
export interface BudgetComponents {
  client: CortexClient
  inTurn: InTurn
  /** What the key's jobs come to so far. */
  spent: (signal: AbortSignal) => Promise<NanoUsd>
}

/** The budget of a key. */
export function createBudget(
  { client, inTurn, spent }: BudgetComponents,
  { keyId, limit }: { keyId: string; limit: NanoUsd },
): Budget {
  async function state(signal: AbortSignal): Promise<BudgetState & { remaining: NanoUsd }> {
    const used = await spent(signal)
    const remaining = used >= limit ? 0n : limit - used
    return { limitUsd: formatUsd(limit), usedUsd: formatUsd(used), remainingUsd: formatUsd(remaining), remaining }
  }

  /** The job with a price per hour at which all of it costs no more than is left. */
  async function capped(job: JobSubmission, signal: AbortSignal): Promise<JobSubmission> {
    const spec = submissionSchema.parse(job)
    assertBounded(job, spec)
    const { remaining, ...told } = await state(signal)
    const left = (remaining * 3600n) / BigInt(spec.duration + spec.stopGraceSeconds)
    const affordable = smaller(left, MAX_PRICE_NANO_USD)
    if (affordable === 0n) throw exceeded(told, 'Nothing is left of it')
    const own = spec.maxPrice === undefined ? null : parseUsd(spec.maxPrice)
    const cap = own === null ? affordable : smaller(own, affordable)
    const at = (price: NanoUsd): JobSubmission => ({ ...job, maxAttempts: 1, maxPrice: formatUsd(price) })
    const prices = pricesOf(await client.jobs.dryRun(job, { signal }), spec)
    const within = prices.filter((price) => price <= cap)
    if (within.length > 0) return at(within.reduce(larger))
    // Nobody may be free at the moment: then it waits for somebody, at all that is left.
    if (prices.length === 0) return at(cap)
    const asked = formatUsd(prices.reduce(smaller))
    throw exceeded(told, `The cheapest provider asks ${asked} USD per hour, and its duration leaves ${formatUsd(cap)}`)
  }

  return {
    async state(signal) {
      const { remaining: _, ...told } = await state(signal)
      return told
    },
    submit: async (job, signal) =>
      await inTurn(keyId, async () => await client.jobs.submit(await capped(job, signal), { signal })),
  }
}

/** The prices per hour that those ask who take it, as a cap is compared with them: traffic and minimums are in them. */
function pricesOf({ quotes }: DryRun, spec: JobSpec): NanoUsd[] {
  const nano = (amount: number | null): NanoUsd => parseUsd(amount ?? 0) ?? MAX_PRICE_NANO_USD
  return quotes
    .filter(({ accepts }) => accepts)
    .map(({ price, minimumCharge, pricePerGb, volumePerGbHour }) => {
      const terms = {
        ...{ pricePerHour: nano(price), minimumCharge: nano(minimumCharge) },
        ...{ pricePerGb: nano(pricePerGb), volumePerGbHour: nano(volumePerGbHour) },
      }
      return effectivePerHour(terms, mostOf(spec))
    })
}

function smaller(a: NanoUsd, b: NanoUsd): NanoUsd {
  if (a < b) return a
  return b
}

function exceeded(told: BudgetState, why: string): ToolError {
  const message = `${why}: ${told.remainingUsd} of ${told.limitUsd} USD are left of what this key may spend in 24 hours. Ask for fewer resources or a shorter duration, or have the budget raised`
  return new ToolError('BUDGET_EXCEEDED', message, { ...told })
}
