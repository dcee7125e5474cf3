import { z } from 'zod'
import type { JobSubmission } from '../../client/index.ts'
import { filesQuery } from '../../contract/files.ts'
import { submissionSchema } from '../../contract/job-config.ts'

/**
 * The longest that a tool waits, in seconds. Most clients give up on a call after 60.
 */
export const MAX_WAIT_SECONDS = 55
/** @see MAX_WAIT_SECONDS */
const WAIT_SECONDS = 45
/** Characters of a shell script. */
export const MAX_SCRIPT_CHARACTERS = 16_384
/** Most texts that are given along with a job. */
const MAX_FILES = 16

const { shape } = submissionSchema

/** Which job. */
export const jobField = z
  .string()
  .min(5)
  .max(64)
  .describe(
    'Id of the job, as run or sandbox answered it, such as job_01k8m3q7w9x2v5n4c6b8d0f1g3; no name: jobs finds ids by names.',
  )

/** How long a tool may wait. @param until for what */
export function waitField(until: string) {
  return z
    .int()
    .min(0)
    .max(MAX_WAIT_SECONDS)
    .default(WAIT_SECONDS)
    .describe(`Seconds to wait ${until}; 0 answers at once.`)
}

/** An absolute path in a container. */
export const pathField = filesQuery.shape.path

const { command, args, duration, memory, storage, network } = shape
const { image, name, env, secrets, cpu, gpu, gpuRequirements, maxPrice, platform, workdir, ports, provider, labels } =
  shape

/** What is asked of the machine, and what it may cost. */
export const machineFields = {
  image,
  name,
  cpu,
  memory: memory.describe('Of all its processes, with a unit such as 512Mi or 4Gi. Default 512Mi.'),
  storage: storage.describe('Most that the container writes, with a unit such as 2Gi. Default 1Gi.'),
  gpu,
  gpuRequirements,
  maxPrice,
  platform,
  network: network.describe('bridge reaches the internet; none has no network at all, and starts sooner.'),
  env,
  secrets,
  workdir,
  ports,
  provider,
  labels,
}

/** The whole of a job, as the tools take it. */
export const jobFields = {
  ...machineFields,
  script: z
    .string()
    .min(1)
    .max(MAX_SCRIPT_CHARACTERS)
    .optional()
    .describe(
      'A shell script, run with sh -c in the container: for pipes, && and several lines. In place of command and args.',
    ),
  command: command.describe('A program and its arguments, without a shell, in place of the image’s entrypoint.'),
  args,
  duration: duration.describe(
    'Longest runtime in seconds; the job is ended then. It is paid by the second, not for all of it.',
  ),
  files: z
    .array(
      z.strictObject({
        path: z.string().max(1024).describe('Absolute, in the container.'),
        text: z.string().max(65_536).describe('What is in it.'),
      }),
    )
    .max(MAX_FILES)
    .optional()
    .describe('Text files that are there when the program begins, read-only.'),
  outputs: z
    .string()
    .max(1024)
    .optional()
    .describe(
      'Absolute path of a file or folder that is kept when the job ends; read_file reads it then. Without it, nothing but the log is kept.',
    ),
  more: z
    .record(z.string().max(64), z.unknown())
    .optional()
    .describe(
      'Any further fields of a job, as /docs/reference/job of the gateway has them, such as {"volumes": [{"name": "data", "size": "1Gi", "mountPath": "/data"}]}.',
    ),
}

const jobArguments = z.strictObject(jobFields)

/** A job as the API takes it. */
export function submissionOf({
  script,
  files,
  outputs,
  more = {},
  ...job
}: z.output<typeof jobArguments>): JobSubmission {
  return {
    ...job,
    ...(script === undefined ? {} : { command: ['sh', '-c', script], args: [] }),
    ...(files === undefined ? {} : { inputs: files.map(({ path, text }) => ({ path, from: { inline: text } })) }),
    ...(outputs === undefined ? {} : { outputs }),
    ...more,
  } as JobSubmission
}
