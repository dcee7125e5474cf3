import { type Command, InvalidArgumentError, Option } from 'commander'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { keyValue, wholeNumber } from './options.ts'

/** Spelled out, so that `--help` needs no schema. */
const STRATEGIES = [
  'cost',
  'performance',
  'availability',
] as const satisfies readonly JobSubmission['providerStrategy'][]

/** The flags that describe a job, as commander gives them. */
export interface JobFlags {
  cpu?: number
  memory?: string
  storage?: string
  gpu?: number
  env?: Record<string, string>
  secret?: Record<string, string>
  label?: Record<string, string>
  port?: JobSubmission['ports']
  volume?: JobSubmission['volumes']
  duration?: number
  strategy?: (typeof STRATEGIES)[number]
  maxPrice?: string
  provider?: string
  output?: string
  pull?: 'Always' | 'IfNotPresent' | 'Never'
  queueTimeout?: number
}

/** Adds the flags that describe a job; values are checked by the job's own schema afterwards. */
export function jobFlags(command: Command): Command {
  return command
    .option('--cpu <millicores>', '1000 is one core', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--memory <amount>', 'e.g. 256Mi')
    .option('--storage <amount>', 'e.g. 1Gi')
    .option('--gpu <count>', 'whole GPUs', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option('--env <name=value>', 'environment; repeat it', keyValue)
    .option('--secret <name=value>', 'environment that is never shown; repeat it', keyValue)
    .option('--label <name=value>', 'for filtering and cost; repeat it', keyValue)
    .option('--port <port[/udp][/public]>', 'a port the container listens on; repeat it', port)
    .option('--volume <name:/path:size>', 'e.g. data:/data:1Gi; repeat it', volume)
    .option('--duration <seconds>', 'longest runtime', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .addOption(new Option('--strategy <name>', 'how the best bid is chosen').choices(STRATEGIES))
    .option('--max-price <usd>', 'US dollars per hour at most')
    .option('--provider <id>', 'this provider only')
    .option('--output <path>', 'a path in the container that is kept')
    .option('--pull <policy>', 'Always, IfNotPresent or Never')
    .option('--queue-timeout <seconds>', 'how long to look for a provider', wholeNumber(1, Number.MAX_SAFE_INTEGER))
}

/** A submission for the schema: what was not given is left to its defaults. */
export function submissionOf(image: string | undefined, words: string[], flags: JobFlags): Record<string, unknown> {
  const [first, ...rest] = words
  const fields = {
    image,
    // Like `docker run`: words after the image are arguments, so an image's entrypoint stays.
    args: first === undefined ? undefined : [first, ...rest],
    cpu: flags.cpu,
    memory: flags.memory,
    storage: flags.storage,
    gpu: flags.gpu,
    env: flags.env,
    secrets: flags.secret,
    labels: flags.label,
    ports: flags.port,
    volumes: flags.volume,
    duration: flags.duration,
    providerStrategy: flags.strategy,
    maxPrice: flags.maxPrice,
    provider: flags.provider,
    outputs: flags.output,
    imagePullPolicy: flags.pull,
    queueTimeout: flags.queueTimeout,
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

function port(text: string, previous: NonNullable<JobSubmission['ports']> = []): NonNullable<JobSubmission['ports']> {
  const match = /^(\d{1,5})(?:\/(tcp|udp))?(\/public)?$/i.exec(text)
  if (match === null) throw new InvalidArgumentError('Write it as 8080, 53/udp or 8080/public.')
  return [
    ...previous,
    {
      port: Number(match[1]),
      expose: true,
      protocol: match[2]?.toLowerCase() === 'udp' ? 'UDP' : 'TCP',
      ...(match[3] === undefined ? {} : { public: true }),
    },
  ]
}

function volume(
  text: string,
  previous: NonNullable<JobSubmission['volumes']> = [],
): NonNullable<JobSubmission['volumes']> {
  const [name, mountPath, size, more] = text.split(':')
  if (name === undefined || mountPath === undefined || size === undefined || more !== undefined) {
    throw new InvalidArgumentError('Write it as name:/path:1Gi.')
  }
  return [...previous, { name, mountPath, size }]
}
