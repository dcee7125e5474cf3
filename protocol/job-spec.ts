/**
 * What a user asks for: the one schema behind the API, the command line and the batch rows. Parsing fills every default;
 * unknown fields are refused by name.
 */

import { z } from 'zod'
import { registryHost, registryOfImage } from './image-registry.ts'
import { ISOLATIONS } from './isolation.ts'
import { constraintsField } from './job-constraints.ts'
import { JOB_DEFAULTS, MAX_ATTEMPTS } from './job-defaults.ts'
import { JOB_ENVIRONMENT } from './job-environment.ts'
import {
  argumentField,
  bytesField,
  commandField,
  durationField,
  envField,
  imageField,
  labelsField,
  lineField,
  nameField,
  platformField,
  pricePerHourField,
  registryField,
  secondsField,
  signalField,
  userField,
  wholeField,
  workdirField,
} from './job-fields.ts'
import { gpuRequirementsField } from './job-gpus.ts'
import { inputProblems, inputsField, secretsInputsName, stdinField } from './job-inputs.ts'
import { outputProblems, outputsField, secretsOutputsName } from './job-outputs.ts'
import { keptByteSecondsOf, keptRequirements, volumeBytes, volumeProblems, volumeSchema } from './job-volumes.ts'
import {
  MAX_BYTES,
  MAX_CPU_MILLIS,
  MAX_ENV_ENTRIES,
  MAX_GPUS,
  MAX_JOB_TEXT_LENGTH,
  MAX_LEASE_TIMEOUT_SECONDS,
  MAX_OPEN_FILES,
  MAX_PIDS,
  MAX_PORTS,
  MAX_STOP_GRACE_SECONDS,
  MAX_VOLUMES,
  MIN_CPU_MILLIS,
  MIN_LEASE_TIMEOUT_SECONDS,
  MIN_MEMORY_BYTES,
  MIN_OPEN_FILES,
  MIN_PIDS,
  MIN_STORAGE_BYTES,
} from './limits.ts'
import type { Minimums } from './measured.ts'
import { type Most, type NanoUsd, parseUsd } from './money.ts'
import { imageFromField } from './sent-image.ts'
import { formatBytes, parseBytes, type Resources } from './units.ts'

export { type FieldError, fieldErrors } from './field-errors.ts'

const portSchema = z.strictObject({
  port: wholeField(1, 65_535).describe('Port the container listens on.'),
  expose: z.boolean().default(true).describe('Whether it is reached from outside.'),
  protocol: z.enum(['TCP', 'UDP']).default('TCP').describe('What it speaks there.'),
  public: z
    .boolean()
    .optional()
    .describe('Whether everybody reaches it at its provider’s own address, beside this gateway. Default false.'),
})

const ulimitsSchema = z.strictObject({
  nofile: wholeField(MIN_OPEN_FILES, MAX_OPEN_FILES, 'files')
    .optional()
    .describe('Most open files of each process; where it is left out, 16,384.'),
})

const registryCredentialsSchema = z.strictObject({
  username: argumentField(256).min(1).describe('Of the account there.'),
  password: argumentField(16_384).min(1).describe('Or a token; stored encrypted, and never shown again.'),
  serverAddress: registryField.describe(
    'Host (and port) of the image’s registry; credentials for another are refused.',
  ),
})

/** What a job's constraints ask of a machine's speed; 0 where they say nothing. */
export function minimumsOf(constraints: JobSpec['constraints']): Minimums {
  const bytes = (amount: string | undefined): number => (amount === undefined ? 0 : bytesOf(amount))
  return {
    cpuSingle: constraints.minCpuScore ?? 0,
    cpuAll: constraints.minCpuAllScore ?? 0,
    memoryBandwidth: bytes(constraints.minMemoryBandwidth),
    diskRead: bytes(constraints.minDiskRead),
    diskWrite: bytes(constraints.minDiskWrite),
    iops: constraints.minIops ?? 0,
  }
}

/** What bids are ranked by most; `value` is the price of the same work, to which a machine's speed counts. */
const PROVIDER_STRATEGIES = ['cost', 'performance', 'availability', 'value'] as const
/** One of {@link PROVIDER_STRATEGIES}; a submission that names none has `cost`. */
export type ProviderStrategy = (typeof PROVIDER_STRATEGIES)[number]

/** What only the provider learns, in the award; `job-wire.ts` holds a peer's award to the same rules. */
export const containerFields = {
  command: commandField.default([]).describe('Replaces the image’s entrypoint.'),
  args: commandField.default([]).describe('Arguments to the entrypoint.'),
  env: envField
    .default({})
    .describe(
      `Environment of the container, beside what every program is told of itself: ${Object.keys(JOB_ENVIRONMENT).join(', ')}. Comes back in \`config\`; for passwords use \`secrets\`.`,
    ),
  secrets: envField
    .default({})
    .describe(
      'Environment that is stored encrypted and never comes back. What an input names as its key is not in the environment.',
    ),
  volumes: z
    .array(volumeSchema)
    .max(MAX_VOLUMES)
    .default([])
    .describe('Folders beside the container’s own files, each of its own size; they count as storage.'),
  ports: z.array(portSchema).max(MAX_PORTS).default([]).describe('Ports on which it listens.'),
  registryCredentials: registryCredentialsSchema
    .optional()
    .describe('For an image that its registry gives to somebody alone.'),
  imagePullPolicy: z
    .enum(['Always', 'IfNotPresent', 'Never'])
    .default(JOB_DEFAULTS.imagePullPolicy)
    .describe('When the registry is asked for the image, rather than what the machine has of it.'),
  workdir: workdirField
    .optional()
    .describe('Folder in which the program begins. Where it is left out: the image’s own.'),
  user: userField
    .optional()
    .describe('As whom the program runs, such as `app` or `1000:1000`. Where it is left out: the image’s own.'),
  outputs: outputsField
    .optional()
    .describe(
      'What in the container is kept when it ends: a path, or a list of `{ name, path }` that are kept apart, none in another.',
    ),
  stopSignal: signalField.optional().describe('Where it is left out: the image’s own, or SIGTERM.'),
  stopGraceSeconds: secondsField(0, MAX_STOP_GRACE_SECONDS)
    .default(JOB_DEFAULTS.stopGraceSeconds)
    .describe('Seconds between the stop signal and SIGKILL; those that pass beyond the duration are billed.'),
  network: z.enum(['bridge', 'none']).default(JOB_DEFAULTS.network).describe('`none`: no network at all.'),
  maxNetwork: bytesField('traffic')
    .optional()
    .describe(
      'Most bytes that its container sends and receives together: the job is ended there. What its provider fetches for it before, images and inputs, is none of them. Providers that ask a price for traffic take only jobs that say it.',
    ),
  shmSize: bytesField('shared memory')
    .optional()
    .describe('Size of /dev/shm, which counts as memory; where it is left out, half of `memory`.'),
  ulimits: ulimitsSchema.optional().describe('Limits of each process.'),
  pids: wholeField(MIN_PIDS, MAX_PIDS, 'processes')
    .optional()
    .describe('Most processes and threads at once; where it is left out, 512.'),
  tty: z
    .boolean()
    .optional()
    .describe(
      'Whether the program has a terminal: it then writes as it does for people, with colours and at once. Standard error comes with standard output, and lines end with a carriage return. Nobody types at it.',
    ),
  init: z
    .boolean()
    .optional()
    .describe(
      'Whether a small init is process 1, which reaps orphans and passes signals on. Where it is left out: unless the program is an init itself.',
    ),
}

const fields = {
  image: imageField.describe('What to run, as `docker run` names it.').meta({ examples: ['busybox:1.36'] }),
  imageFrom: imageFromField
    .optional()
    .describe(
      'The image itself, which no registry has to have: it is sent to the provider, as far as that lacks it, and is nobody’s but its sender’s. `image` is then what it is called.',
    ),
  platform: platformField
    .optional()
    .describe('As what the image is to run, such as `linux/arm64`. Where it is left out: as anything that it is for.'),
  isolation: z
    .enum(ISOLATIONS)
    .optional()
    .describe(
      'How strong the walls around it are to be: `container` shares the machine’s kernel, `gvisor` has one of its own in a program, `vm` one in a virtual machine. That one and no other; where it is left out: what the provider gives jobs that do not say, at least `container`.',
    ),
  name: nameField
    .optional()
    .describe(
      'What people call it: in lists, and in commands in place of its id. Several jobs may have the same; its provider does not learn it.',
    )
    .meta({ examples: ['train'] }),
  provider: lineField(128)
    .default(JOB_DEFAULTS.provider)
    .describe('The network to ask (`p2p`), or one provider: its id, the end of it, or a name that only it has.'),
  cpu: wholeField(MIN_CPU_MILLIS, MAX_CPU_MILLIS, 'millicores')
    .default(JOB_DEFAULTS.cpu)
    .describe('Millicores; 1000 is one core.'),
  memory: bytesField('memory', MIN_MEMORY_BYTES).default(JOB_DEFAULTS.memory).describe('Of all its processes.'),
  storage: bytesField('storage', MIN_STORAGE_BYTES)
    .default(JOB_DEFAULTS.storage)
    .describe('Most that the container writes, beside its volumes.'),
  gpu: wholeField(0, MAX_GPUS, 'GPUs').default(JOB_DEFAULTS.gpu).describe('How many GPUs it has to itself.'),
  gpuRequirements: gpuRequirementsField.optional(),
  duration: durationField.default(JOB_DEFAULTS.duration).describe('Longest runtime in seconds.'),
  providerStrategy: z
    .enum(PROVIDER_STRATEGIES)
    .default(JOB_DEFAULTS.providerStrategy)
    .describe('What bids are ranked by most; `value` is the price of the same work.'),
  maxPrice: pricePerHourField.optional().describe('US dollars per hour at most.'),
  constraints: constraintsField.prefault({}).describe('What its provider must be.'),
  labels: labelsField.default({}).describe('The job’s own, to find it by.'),
  autoExtend: z
    .boolean()
    .default(JOB_DEFAULTS.autoExtend)
    .describe('Whether its duration is extended as it comes to its end, up to `maxDuration`.'),
  maxDuration: durationField.optional().describe('Where autoExtend ends, in seconds.'),
  maxAttempts: wholeField(1, MAX_ATTEMPTS, 'attempts')
    .default(JOB_DEFAULTS.maxAttempts)
    .describe('Attempts where providers are lost.'),
  retryOnFailure: z
    .boolean()
    .default(JOB_DEFAULTS.retryOnFailure)
    .describe('Whether a container’s own failure is tried again, too.'),
  queueTimeout: secondsField(1, 7 * 24 * 3600)
    .default(JOB_DEFAULTS.queueTimeout)
    .describe('Seconds to find a provider.'),
  onDisconnect: z
    .enum(['continue', 'stop'])
    .default(JOB_DEFAULTS.onDisconnect)
    .describe('What a provider out of touch does with the container; `stop` means at most one ever runs.'),
  leaseTimeout: secondsField(MIN_LEASE_TIMEOUT_SECONDS, MAX_LEASE_TIMEOUT_SECONDS)
    .default(JOB_DEFAULTS.leaseTimeout)
    .describe('With onDisconnect `stop`: seconds out of touch before it stops.'),
  inputs: inputsField
    .optional()
    .describe(
      'What the job brings: each stands in its container before the program begins, read-only unless it says `rw`.',
    ),
  stdin: stdinField
    .optional()
    .describe(
      'What the program reads from its standard input, from where an input may come; a folder is none. Where it is left out, there is none.',
    ),
  ...containerFields,
}

/** A submission as the API takes it; `{ "image": "…" }` alone is a valid job. */
export const jobSubmissionSchema = z.strictObject(fields).superRefine((job, context) => {
  checkContainerFields(job, context)
  if (job.stdin !== undefined && job.tty === true) {
    wrong(context, ['stdin'], 'must not be given beside tty: the end of it would not reach a program at a terminal')
  }
  for (const { index, problem } of inputProblems(job.inputs ?? [], job.volumes)) {
    wrong(context, ['inputs', index, 'path'], problem)
  }
  checkNamed(job, secretsInputsName(job), context)
  const problem = credentialsProblem(job.image, job.registryCredentials)
  if (problem !== null) wrong(context, ['registryCredentials', 'serverAddress'], problem)
  if (job.imageFrom !== undefined && job.registryCredentials !== undefined) {
    wrong(context, ['registryCredentials'], 'must not be given beside imageFrom: no registry is asked for that image')
  }
  if (job.maxDuration !== undefined && job.maxDuration < job.duration) {
    wrong(context, ['maxDuration'], `must be at least duration (${job.duration})`)
  }
  if (resourcesOf(job).storageBytes > MAX_BYTES) {
    wrong(context, ['storage'], `must be at most ${formatBytes(MAX_BYTES)} together with the volumes`)
  }
  if (job.gpuRequirements !== undefined && job.gpu === 0) {
    wrong(context, ['gpuRequirements'], 'must have gpu of at least 1 beside it')
  }
  if (job.shmSize !== undefined && bytesOf(job.shmSize) > bytesOf(job.memory)) {
    wrong(context, ['shmSize'], `must be at most memory (${job.memory}): it counts as that`)
  }
})

type ContainerFields = z.output<z.ZodObject<typeof containerFields>>

/** The rules between fields. */
export function checkContainerFields(job: ContainerFields, context: z.RefinementCtx): void {
  for (const name of Object.keys(job.env)) {
    if (Object.hasOwn(job.secrets, name)) wrong(context, ['secrets', name], 'is in env, too: keep it in one of the two')
  }
  if (Object.keys(job.env).length + Object.keys(job.secrets).length > MAX_ENV_ENTRIES) {
    wrong(context, ['secrets'], `must have at most ${MAX_ENV_ENTRIES} entries together with env`)
  }
  for (const { path, message } of volumeProblems(job.volumes)) wrong(context, path, message)
  for (const { path, message } of outputProblems(job.outputs)) wrong(context, path, message)
  checkNamed(job, secretsOutputsName(job.outputs), context)
  duplicates(job.ports.map((port) => `${port.protocol}${port.port}`)).forEach((i) => {
    wrong(context, ['ports', i, 'port'], 'is listed twice: remove one')
  })
  job.ports.forEach(({ expose, public: isPublic = false }, i) => {
    if (!isPublic || (expose && job.network !== 'none')) return
    wrong(context, ['ports', i, 'public'], 'must have expose true and network bridge beside it')
  })
  if (JSON.stringify(job).length > MAX_JOB_TEXT_LENGTH) {
    wrong(context, [], `is larger than ${MAX_JOB_TEXT_LENGTH} characters in all: move data into the image or a volume`)
  }
}

function checkNamed(
  { secrets }: ContainerFields,
  named: { path: PropertyKey[]; secret: string }[],
  context: z.RefinementCtx,
): void {
  for (const { path, secret } of named) {
    if (Object.hasOwn(secrets, secret)) continue
    wrong(context, path, `must name one of secrets, and ${secret} is none: put the key there under that name`)
  }
}

/** Why these credentials do not go with the image; null where they do. They are sent to the registry that they name alone. */
export function credentialsProblem(image: string, credentials: { serverAddress: string } | undefined): string | null {
  const registry = registryOfImage(image)
  if (credentials === undefined || registryHost(credentials.serverAddress) === registry) return null
  return `must be the image’s own registry, ${registry}: credentials go to no other`
}

function wrong(context: z.RefinementCtx, path: PropertyKey[], message: string): void {
  context.addIssue({ code: 'custom', path, message })
}

/** A submission before it is parsed: only `image` must be there. */
export type JobSubmission = z.input<typeof jobSubmissionSchema>
/** A valid job with every default filled. */
export type JobSpec = z.output<typeof jobSubmissionSchema>

/** The parts of a spec that are stored encrypted and never come back. */
export interface JobSecrets {
  secrets: Record<string, string>
  registryCredentials: JobSpec['registryCredentials']
}

/** A spec without its secrets: what may be stored in the open and shown to its owner. */
export type PublicJobSpec = Omit<JobSpec, 'secrets' | 'registryCredentials'>

/** A spec as it is stored: in the open, and the secrets that are encrypted and kept apart. */
export function splitSecrets(spec: JobSpec): { spec: PublicJobSpec; secrets: JobSecrets } {
  const { secrets, registryCredentials, ...rest } = spec
  return { spec: rest, secrets: { secrets, registryCredentials } }
}

/** Whether there is anything to encrypt. */
export function hasSecrets(secrets: JobSecrets): boolean {
  return Object.keys(secrets.secrets).length > 0 || secrets.registryCredentials !== undefined
}

/** What a validated spec takes of a machine: its own storage and its new volumes together. */
export function resourcesOf(spec: Pick<JobSpec, 'cpu' | 'memory' | 'storage' | 'gpu' | 'volumes'>): Resources {
  const volumes = spec.volumes.reduce((sum, volume) => sum + volumeBytes(volume), 0)
  return {
    cpuMillis: spec.cpu,
    memoryBytes: bytesOf(spec.memory),
    storageBytes: bytesOf(spec.storage) + volumes,
    gpu: spec.gpu,
  }
}

/**
 * Most bytes that a validated spec sends and receives together; 0 where it has no network, undefined where it names no limit.
 */
export function maxNetworkOf({ network, maxNetwork }: Pick<JobSpec, 'network' | 'maxNetwork'>): number | undefined {
  if (network === 'none') return 0
  return maxNetwork === undefined ? undefined : bytesOf(maxNetwork)
}

/**
 * What bids on a validated spec are compared by: all of its duration, all of the traffic that it may cause, and the volumes that it
 * leaves for as long as they are kept unused.
 */
export function mostOf(spec: Pick<JobSpec, 'duration' | 'network' | 'maxNetwork' | 'volumes'>): Most {
  const keptByteSeconds = keptByteSecondsOf(keptRequirements(spec.volumes))
  return { seconds: spec.duration, networkBytes: maxNetworkOf(spec) ?? 0, keptByteSeconds }
}

/** The price cap of a validated spec in nano-dollars per hour; null is none. */
export function maxPricePerHour(spec: Pick<JobSpec, 'maxPrice'>): NanoUsd | null {
  if (spec.maxPrice === undefined) return null
  const cap = parseUsd(spec.maxPrice)
  // Null would be no cap at all.
  if (cap === null) throw new RangeError(`Not a price: ${spec.maxPrice}`)
  return cap
}

/** An amount of a validated spec, in bytes. */
export function bytesOf(text: string): number {
  const bytes = parseBytes(text)
  if (bytes === null) throw new RangeError(`Not an amount: ${text}`)
  return bytes
}

/** Indexes of the values that were there before. */
function duplicates(values: string[]): number[] {
  return values.flatMap((value, i) => (values.indexOf(value) < i ? [i] : []))
}
