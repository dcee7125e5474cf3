import type { Command } from 'commander'
import { CliError } from '../../node/commands/cli-error.ts'
import type { CortexClient } from '../client/index.ts'
import { asking } from './connection.ts'

/** The action of a command about one job: what names it may be the beginning of its id, with `job_` or without. */
export function aboutJob<A extends unknown[]>(
  ask: (client: CortexClient, id: string, ...args: A) => Promise<void>,
): (...args: [string, ...A, Command]) => Promise<void> {
  return asking(async (client, text: string, ...args: A) => await ask(client, await wholeJobId(client, text), ...args))
}

/** @throws {CliError} where no job's id begins so, or more than one's */
export async function wholeJobId(client: CortexClient, text: string): Promise<string> {
  const { isJobId, jobIdRange } = await import('../../protocol/ids.ts')
  const id = `job_${text.trim().toLowerCase().replace(/^job_/, '')}`
  const range = jobIdRange(id)
  // Whole, or nothing that an id begins with: the gateway says what it is.
  if (range === null) return isJobId(id) ? id : text
  const { fromMs, toMs } = range
  const found: string[] = []
  const query = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), limit: 100 }
  for await (const job of client.jobs.all(query)) {
    if (job.id?.startsWith(id) === true) found.push(job.id)
    if (found.length > MAX_NAMED) break
  }
  const [first, ...others] = found
  if (first === undefined) throw new CliError(`No job's id begins with ${id}: 'cortex job list' shows them`)
  if (others.length === 0) return first
  const named = found.slice(0, MAX_NAMED).join(', ')
  throw new CliError(
    `${found.length > MAX_NAMED ? 'Many' : found.length} jobs' ids begin with ${id}, such as ${named}: give more of it`,
  )
}

/** Ids that are told where more than one could be meant. */
const MAX_NAMED = 3
