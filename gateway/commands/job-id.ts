import type { Command } from 'commander'
import { CliError } from '../../node/commands/cli-error.ts'
import type { CortexClient, CortexError } from '../client/index.ts'
import { ENDED_STATUSES, OPEN_STATUSES } from '../contract/job-status.ts'
import { asking } from './connection.ts'

/** The action of a command about one job: what names it may be its name, or the beginning of its id, with `job_` or without. */
export function aboutJob<A extends unknown[]>(
  ask: (client: CortexClient, id: string, ...args: A) => Promise<void>,
): (...args: [string, ...A, Command]) => Promise<void> {
  return asking(async (client, text: string, ...args: A) => await ask(client, await wholeJobId(client, text), ...args))
}

/**
 * The id of the job that is meant. Jobs that go on are meant before those that have ended.
 * @throws {CliError} where no job is called so and no id begins so, or more than one
 */
export async function wholeJobId(client: CortexClient, text: string): Promise<string> {
  const { isJobId, jobIdOf, jobIdRange } = await import('../../protocol/ids.ts')
  const id = jobIdOf(text)
  const range = jobIdRange(id)
  const isSaid = /^job_/i.test(text.trim())
  if (range === null && isJobId(id) && (isSaid || id.length === WHOLE_LENGTH)) return id
  const called = await calledSo(client, text.trim())
  const begun = range === null ? [] : await begunSo(client, id, range)
  const found = [...new Set([...called, ...begun])]
  const [first, ...others] = found
  if (first === undefined) {
    throw new CliError(`No job is called ${text}, and no job's id begins so: 'cortex job list' shows them`)
  }
  if (others.length === 0) return first
  const named = found.slice(0, MAX_NAMED).join(', ')
  throw new CliError(
    `${found.length > MAX_NAMED ? 'Many' : found.length} jobs are called ${text}, or have ids that begin so, such as ${named}: give an id, or more of it`,
  )
}

async function begunSo(
  client: CortexClient,
  id: string,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Promise<string[]> {
  const found: string[] = []
  const query = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), limit: 100 }
  for await (const job of client.jobs.all(query)) {
    if (job.id?.startsWith(id) === true) found.push(job.id)
    if (found.length > MAX_NAMED) break
  }
  return found
}

/** One page each: names are looked for in so many of the newest jobs. */
async function calledSo(client: CortexClient, name: string): Promise<string[]> {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/.test(name)) return []
  try {
    for (const status of [OPEN_STATUSES, ENDED_STATUSES]) {
      const { items } = await client.jobs.list({ name, status, limit: MAX_NAMED + 1 })
      const found = items.flatMap(({ id }) => (id === undefined ? [] : [id]))
      if (found.length > 0) return found
    }
  } catch (error) {
    // A gateway of before jobs had names does not know the question.
    if ((error as Partial<CortexError>).code !== 'VALIDATION_ERROR') throw error
  }
  return []
}

/** Of an id as gateways make them, in characters: one that is given without `job_` is told from a name by it. */
const WHOLE_LENGTH = 'job_'.length + 26

/** Ids that are told where more than one could be meant. */
const MAX_NAMED = 3
