/**
 * What a user asks for: the one schema behind the API, the command line and the batch rows. Parsing fills every default;
 * unknown fields are refused by name.
 */

import { z } from 'zod'
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
  pathField,
  pricePerHourField,
  registryField,
  secondsField,
  signalField,
  wholeField,
} from './job-fields.ts'
import {
  MAX_BYTES,
  MAX_CAPABILITIES,
  MAX_CONSTRAINTS_BYTES,
  MAX_CPU_MILLIS,
  MAX_ENV_ENTRIES,
  MAX_GPUS,
  MAX_JOB_TEXT_LENGTH,
  MAX_LABEL_LENGTH,
  MAX_LEASE_TIMEOUT_SECONDS,
  MAX_PORTS,
  MAX_STOP_GRACE_SECONDS,
  MAX_VOLUMES,
  MIN_CPU_MILLIS,
  MIN_LEASE_TIMEOUT_SECONDS,
  MIN_MEMORY_BYTES,
} from './limits.ts'
import { type NanoUsd, parseUsd } from './money.ts'
import { formatBytes, parseBytes, type Resources } from './units.ts'

export { type FieldError, fieldErrors } from './field-errors.ts'

const labelsSchema = labelsField

const portSchema = z.strictObject({
  port: wholeField(1, 65_535).describe('Port the container listens on.'),
  expose: z.boolean().default(true).describe('Whether it is reached from outside.'),
  protocol: z.enum(['TCP', 'UDP']).default('TCP'),
  public: z
    .boolean()
    .optional()
    .describe('Whether everybody reaches it at its provider’s own address, beside this gateway. Default false.'),
})

const volumeSchema = z.strictObject({
  name: nameField,
  mountPath: pathField,
  size: bytesField('storage'),
})

const registryCredentialsSchema = z.strictObject({
  username: argumentField(256).min(1),
  password: argumentField(16_384).min(1),
  serverAddress: registryField.describe('Host (and port) of the registry.'),
})

const constraintsSchema = z
  .strictObject({
    region: lineField(128).optional(),
    labels: labelsSchema.default({}),
    minUptime: secondsField(0, 10 * 365 * 24 * 3600)
      .default(0)
      .describe('Seconds the provider has been up without a break.'),
    capabilities: z.array(lineField(MAX_LABEL_LENGTH)).max(MAX_CAPABILITIES).default([]),
  })
  .refine(
    (constraints) => Buffer.byteLength(JSON.stringify(constraints)) <= MAX_CONSTRAINTS_BYTES,
    `must be an object of at most ${MAX_CONSTRAINTS_BYTES} bytes in all: it is broadcast`,
  )

export const PROVIDER_STRATEGIES = ['cost', 'performance', 'availability'] as const
export type ProviderStrategy = (typeof PROVIDER_STRATEGIES)[number]

/** Any network of providers: the default of `provider`. */
export const ANY_PROVIDER = 'p2p'

/** What only the provider learns, in the award; `job-wire.ts` holds a peer's award to the same rules. */
export const containerFields = {
  command: commandField.default([]).describe('Replaces the image’s entrypoint.'),
  args: commandField.default([]).describe('Arguments to the entrypoint.'),
  env: envField
    .default({})
    .describe('Environment of the container. Comes back in `config`; for passwords use `secrets`.'),
  secrets: envField.default({}).describe('Environment that is stored encrypted and never comes back.'),
  volumes: z.array(volumeSchema).max(MAX_VOLUMES).default([]),
  ports: z.array(portSchema).max(MAX_PORTS).default([]),
  registryCredentials: registryCredentialsSchema.optional(),
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
  outputs: pathField.optional().describe('Path in the container that is kept when it ends.'),
  stopSignal: signalField.default('SIGTERM'),
  stopGraceSeconds: secondsField(0, MAX_STOP_GRACE_SECONDS)
    .default(10)
    .describe('Seconds between the stop signal and SIGKILL.'),
  network: z.enum(['bridge', 'none']).default('bridge').describe('`none`: no network at all.'),
}

const fields = {
  image: imageField.meta({ examples: ['busybox:1.36'] }),
  provider: lineField(128).default(ANY_PROVIDER).describe('The network to ask (`p2p`), or one provider’s id.'),
  cpu: wholeField(MIN_CPU_MILLIS, MAX_CPU_MILLIS, 'millicores').default(1000).describe('Millicores; 1000 is one core.'),
  memory: bytesField('memory', MIN_MEMORY_BYTES).default('512Mi'),
  storage: bytesField('storage').default('1Gi'),
  gpu: wholeField(0, MAX_GPUS, 'GPUs').default(0),
  duration: durationField.default(3600).describe('Longest runtime in seconds.'),
  providerStrategy: z.enum(PROVIDER_STRATEGIES).default('cost'),
  maxPrice: pricePerHourField.optional().describe('US dollars per hour at most.'),
  constraints: constraintsSchema.prefault({}),
  labels: labelsSchema.default({}),
  autoExtend: z.boolean().default(false),
  maxDuration: durationField.optional().describe('Where autoExtend ends, in seconds.'),
  maxAttempts: wholeField(1, 10, 'attempts').default(3).describe('Attempts where providers are lost.'),
  retryOnFailure: z.boolean().default(false).describe('Whether a container’s own failure is tried again, too.'),
  queueTimeout: secondsField(1, 7 * 24 * 3600)
    .default(120)
    .describe('Seconds to find a provider.'),
  onDisconnect: z
    .enum(['continue', 'stop'])
    .default('continue')
    .describe('What a provider out of touch does with the container; `stop` means at most one ever runs.'),
  leaseTimeout: secondsField(MIN_LEASE_TIMEOUT_SECONDS, MAX_LEASE_TIMEOUT_SECONDS)
    .default(60)
    .describe('With onDisconnect `stop`: seconds out of touch before it stops.'),
  ...containerFields,
}

/** A submission as the API takes it; `{ "image": "…" }` alone is a valid job. */
export const jobSubmissionSchema = z.strictObject(fields).superRefine((job, context) => {
  checkContainerFields(job, context)
  if (job.maxDuration !== undefined && job.maxDuration < job.duration) {
    wrong(context, ['maxDuration'], `must be at least duration (${job.duration})`)
  }
  if (resourcesOf(job).storageBytes > MAX_BYTES) {
    wrong(context, ['storage'], `must be at most ${formatBytes(MAX_BYTES)} together with the volumes`)
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
  duplicates(job.volumes.map((volume) => volume.name)).forEach((i) => {
    wrong(context, ['volumes', i, 'name'], 'is used by another volume: give each its own name')
  })
  duplicates(job.volumes.map((volume) => volume.mountPath)).forEach((i) => {
    wrong(context, ['volumes', i, 'mountPath'], 'is used by another volume: mount each at its own path')
  })
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

function wrong(context: z.RefinementCtx, path: PropertyKey[], message: string): void {
  context.addIssue({ code: 'custom', path, message })
}

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

export function splitSecrets(spec: JobSpec): { spec: PublicJobSpec; secrets: JobSecrets } {
  const { secrets, registryCredentials, ...rest } = spec
  return { spec: rest, secrets: { secrets, registryCredentials } }
}

export function hasSecrets(secrets: JobSecrets): boolean {
  return Object.keys(secrets.secrets).length > 0 || secrets.registryCredentials !== undefined
}

/** What a validated spec takes of a machine: its own storage and its volumes together. */
export function resourcesOf(spec: Pick<JobSpec, 'cpu' | 'memory' | 'storage' | 'gpu' | 'volumes'>): Resources {
  const volumes = spec.volumes.reduce((sum, volume) => sum + bytesOf(volume.size), 0)
  return {
    cpuMillis: spec.cpu,
    memoryBytes: bytesOf(spec.memory),
    storageBytes: bytesOf(spec.storage) + volumes,
    gpu: spec.gpu,
  }
}

/** The price cap in nano-dollars per hour; null is none. */
export function maxPricePerHour(spec: Pick<JobSpec, 'maxPrice'>): NanoUsd | null {
  return spec.maxPrice === undefined ? null : parseUsd(spec.maxPrice)
}

function bytesOf(text: string): number {
  const bytes = parseBytes(text)
  if (bytes === null) throw new RangeError(`Not an amount: ${text}`)
  return bytes
}

/** Indexes of the values that were there before. */
function duplicates(values: string[]): number[] {
  return values.flatMap((value, i) => (values.indexOf(value) < i ? [i] : []))
}
