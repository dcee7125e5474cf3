import { submissionFrom } from '../../node/commands/job-file.ts'
import type { JobFlags } from '../../node/commands/job-flags.ts'
import type { CortexClient, JobSubmission } from '../client/index.ts'
import { type ConnectionOptions, throughGateway } from './connection.ts'

/** Flags of `cortex job submit`, as commander gives them. */
export type SubmitOptions = ConnectionOptions &
  JobFlags & { file?: string; dryRun?: true; wait?: true; idempotencyKey?: string }

/** Submits a job, or asks who would take it; answers what the process exits with. */
export async function submitJob(
  client: CortexClient,
  image: string | undefined,
  words: string[],
  options: SubmitOptions,
): Promise<number> {
  const checked = (await submissionFrom(image, words, options)) as JobSubmission
  if (options.dryRun === true) {
    const { showBids } = await import('./job-show.ts')
    await showBids(await client.jobs.dryRun(checked), options)
    return 0
  }
  const { withUploads } = await import('./upload-inputs.ts')
  const submission = await withUploads(client, checked, options)
  const job = await client.jobs.submit(submission, { idempotencyKey: options.idempotencyKey })
  if (options.wait !== true || options.json !== true) await showSubmitted(job, options)
  if (options.wait !== true) return 0
  const { waitForJob } = await import('./wait-job.ts')
  return await waitForJob(client, job.id, options)
}

/** `cortex run --detach`: leaves the job with a gateway, and prints its id. */
export async function submitDetached(
  image: string | undefined,
  words: string[],
  options: SubmitOptions,
): Promise<number> {
  return await throughGateway(options, async (client) => await submitJob(client, image, words, options))
}

/** What a program wants of a new job: its id. */
export async function showSubmitted(job: { id: string }, options: Pick<ConnectionOptions, 'json'>): Promise<void> {
  const { print, printJson } = await import('../../node/commands/print.ts')
  if (options.json === true) printJson(job)
  else print(job.id)
}
