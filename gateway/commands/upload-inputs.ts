import { CliError } from '../../node/commands/cli-error.ts'
import { bringsImage } from '../../node/commands/image-flags.ts'
import type { JobFlags } from '../../node/commands/job-flags.ts'
import type { CortexClient } from '../client/index.ts'

/** A job with what it brings from this machine, which is uploaded unless the gateway has it. */
export async function withUploads<J extends { image?: unknown }>(
  client: CortexClient,
  job: J,
  flags: JobFlags,
): Promise<J> {
  const { image } = job
  if (flags.input === undefined && flags.interactive !== true && !bringsImage(flags)) return job
  const { uploadInputs } = await import('./upload-sources.ts')
  if (typeof image === 'string' && image !== '') return { ...job, ...(await uploadInputs(client, image, flags)) }
  if (bringsImage(flags)) throw new CliError('--send-image and --build need the image’s name', 1)
  return { ...job, ...(await uploadInputs(client, '', flags)) }
}
