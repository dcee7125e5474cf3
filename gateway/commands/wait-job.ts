import { MARKET_FAILED } from '../../node/commands/cli-error.ts'
import { printJson, say } from '../../node/commands/print.ts'
import { exitCodeOf } from '../../node/commands/whole.ts'
import { failureSentences } from '../../protocol/failures.ts'
import type { CortexClient } from '../client/index.ts'

/** Waits for a job's end and tells it; answers what the process exits with. */
export async function waitForJob(client: CortexClient, id: string, options: { json?: true }): Promise<number> {
  for await (const _event of client.jobs.events(id, { follow: true }));
  const job = await client.jobs.get(id)
  const { status, error, results } = job
  if (options.json === true) printJson(job)
  else say(error === null ? status : `${status}: ${failureSentences(error)}`)
  if (status === 'completed') return exitCodeOf(0, [results.logProblem], say)
  return results.exitCode === null || results.exitCode === 0 ? MARKET_FAILED : results.exitCode
}
