import { Command, InvalidArgumentError, Option } from 'commander'
import { GPU_INTERCONNECTS, GPU_VENDORS, type GpuVendor } from '../../protocol/gpus.ts'
import { ISOLATIONS, type Isolation } from '../../protocol/isolation.ts'
import { JOB_DEFAULTS, MAX_ATTEMPTS } from '../../protocol/job-defaults.ts'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { MAX_SCORE } from '../../protocol/limits.ts'
import { outputNameOf } from '../../protocol/output-name.ts'
import { CliError } from './cli-error.ts'
import { amount, millicores, seconds } from './docker-amounts.ts'
import { type ImageFlags, imageToCheck } from './image-flags.ts'
import { type InputFlag, inputFlag, inputsToCheck, stdinToCheck } from './input-flags.ts'
import { keyValue, repeated, twice, wholeNumber } from './options.ts'
import { s3Flag } from './s3-flag.ts'

const score = wholeNumber(1, MAX_SCORE)

/** Spelled out, so that `--help` needs no schema. */
const STRATEGIES = [
  'cost',
  'performance',
  'availability',
  'value',
] as const satisfies readonly JobSubmission['providerStrategy'][]

const MAX = Number.MAX_SAFE_INTEGER

/**
 * The flags that describe a job, as commander gives them: times in seconds, amounts as text that {@link amount} made, such
 * as `"256Mi"`. One that was not given is absent, and its field has the schema's default.
 */
export interface JobFlags extends ImageFlags {
  name?: string
  cpu?: number
  memory?: string
  storage?: string
  platform?: string
  isolation?: Isolation
  gpu?: number
  gpuModel?: string[]
  gpuVram?: string
  gpuVendor?: GpuVendor
  gpuCompute?: string
  gpuCuda?: string
  gpuInterconnect?: string
  env?: Record<string, string>
  secret?: Record<string, string>
  label?: Record<string, string>
  port?: JobSubmission['ports']
  volume?: JobSubmission['volumes']
  input?: InputFlag[]
  interactive?: boolean
  duration?: number
  strategy?: (typeof STRATEGIES)[number]
  maxPrice?: string
  provider?: string
  output?: NonNullable<JobSubmission['outputs']>
  /** URLs, and buckets, by the names of outputs. */
  outputTo?: Record<string, string>
  entrypoint?: string
  pull?: 'Always' | 'IfNotPresent' | 'Never'
  queueTimeout?: number
  maxAttempts?: number
  stopSignal?: string
  shmSize?: string
  maxNetwork?: string
  ulimit?: NonNullable<JobSubmission['ulimits']>
  pidsLimit?: number
  init?: boolean
  workdir?: string
  user?: string
  tty?: boolean
  minCpuScore?: number
  minCpuAllScore?: number
  minMemoryBandwidth?: string
  minDiskRead?: string
  minDiskWrite?: string
  minIops?: number
}

/** With the flags of what a job brings: for commands that submit it at once. */
export function inputFlags(command: Command): Command {
  return command
    .option(
      '--input <source:/path[:rw]>',
      'a file or folder of this machine, job:JOB[/file or folder] of what an earlier job left, https://…[#sha256=…], s3://BUCKET/KEY or /FOLDER/, or git+https://…[?submodules][#REF] that the provider fetches, read-only at that path; repeat it',
      inputFlag,
    )
    .option('-i, --interactive', 'what is piped in to this command is its standard input')
    .option('--send-image', 'the image is that of the engine on this machine, and is sent: no registry is asked for it')
    .option('--build <folder>', 'build the image there first, by the engine of this machine, and send it')
}

/** Adds the flags that describe a job; values are checked by the job's own schema afterwards. */
export function jobFlags(command: Command): Command {
  return command
    .option('--name <name>', 'what people call it; commands take it in place of its id')
    .option('--cpu <millicores>', withDefault('1000 is one core; or cores with a point, e.g. 0.5', 'cpu'), millicores)
    .option('--memory <amount>', withDefault('e.g. 256Mi or 256m', 'memory'), amount)
    .option('--storage <amount>', withDefault('e.g. 1Gi or 1g', 'storage'), amount)
    .option('--image-from <digest>', 'the image is one that was given before, with cortex image push')
    .option('--platform <name>', 'as what the image is to run, e.g. linux/arm64 (anything that it is for)')
    .addOption(
      new Option('--isolation <class>', 'these walls around it and no others (the provider’s own choice)').choices(
        ISOLATIONS,
      ),
    )
    .option('--gpu <count>', 'whole GPUs, all of one kind (1 where more is asked of them)', wholeNumber(0, MAX))
    .option('--gpu-model <name>', 'any of these, e.g. h100 or rtx4090; repeat it', repeated)
    .option('--gpu-vram <amount>', 'of each at least, as it is sold, e.g. 24Gi', amount)
    .addOption(new Option('--gpu-vendor <name>', 'their maker').choices(GPU_VENDORS))
    .option('--gpu-compute <version>', 'compute capability at least, e.g. 9.0, or gfx942 of AMD’s')
    .option('--gpu-cuda <version>', 'what their driver runs at least, e.g. 12.4')
    .addOption(new Option('--gpu-interconnect <name>', 'what joins them').choices(GPU_INTERCONNECTS))
    .option('-e, --env <name=value>', 'environment; repeat it', keyValue)
    .option('--secret <name=value>', 'environment that is never shown; repeat it', keyValue)
    .option('--label <name=value>', 'for filtering and cost; repeat it', keyValue)
    .option('-p, --port <port[/udp][/public]>', 'a port the container listens on; repeat it', port)
    .option(
      '--volume <name:/path:size[:keep=time]>',
      'e.g. data:/data:1Gi, with :keep=168h one that stays so long after its last use, or one that stays by its id, vol_…:/data; with :shared also for others at the same time; repeat it',
      volume,
    )
    .option('--duration <seconds>', withDefault('longest runtime; or e.g. 15m, 2h', 'duration'), seconds)
    .addOption(
      new Option('--strategy <name>', withDefault('how the best bid is chosen', 'providerStrategy')).choices(
        STRATEGIES,
      ),
    )
    .option('--max-price <usd>', 'US dollars per hour at most')
    .option('--provider <name|id>', 'this provider only: its name, its peer id or the end of it')
    .option(
      '--output <[name=]path>',
      'a path in the container that is kept; repeat it, each is kept under its name',
      output,
    )
    .option(
      '--output-to <name=url>',
      'where the provider sends that output in place of keeping it: a presigned URL, or s3://BUCKET/KEY or /FOLDER/; repeat it',
      keyValue,
    )
    .option('--pull <policy>', withDefault('Always, IfNotPresent or Never', 'imagePullPolicy'))
    .option(
      '--queue-timeout <seconds>',
      withDefault('how long to look for a provider; or e.g. 10m', 'queueTimeout'),
      seconds,
    )
    .option(
      '--max-attempts <count>',
      withDefault('how many providers may try it, one after the other', 'maxAttempts'),
      wholeNumber(1, MAX_ATTEMPTS),
    )
    .option('--entrypoint <program>', 'in place of the image’s own')
    .option('--stop-signal <name>', 'e.g. SIGINT; else the image’s own')
    .option('--shm-size <amount>', 'of /dev/shm; else half of the memory', amount)
    .option(
      '--max-network <amount>',
      'to send and receive in all, e.g. 10Gi; the job is ended there (no limit)',
      amount,
    )
    .option('--ulimit <nofile=count>', 'most open files of a process (16384)', ulimit)
    .option('--pids-limit <count>', 'most processes and threads (512)', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('-w, --workdir <path>', 'folder in which the program begins (the image’s own)')
    .option('-u, --user <user[:group]>', 'as whom the program runs, names or numbers (the image’s own)')
    .option('-t, --tty', 'give the program a terminal for what it writes: colours, and lines at once')
    .option('--rm', 'nothing to add: no container stays when its job has ended')
    .option('--init', 'put a small init before the program, even one that is an init itself')
    .option('--no-init', 'the program is process 1')
    .option('--min-cpu-score <count>', 'only machines whose core finds so many primes a second', score)
    .option('--min-cpu-all-score <count>', 'the same of all cores of the machine together', score)
    .option('--min-memory-bandwidth <amount>', 'that a core copies a second, e.g. 8Gi', amount)
    .option('--min-disk-read <amount>', 'a second, e.g. 500Mi', amount)
    .option('--min-disk-write <amount>', 'a second, e.g. 500Mi', amount)
    .option('--min-iops <count>', 'blocks of 4 KiB that the disk reads and writes a second', score)
}

/** Those of {@link jobFlags}, as commander names their values, that say something of a job that may change while nobody has it. */
const OF_CHANGES = new Set<string>([
  ...(['name', 'label', 'cpu', 'memory', 'storage', 'platform', 'isolation', 'duration', 'queueTimeout'] as const),
  ...(['gpu', 'gpuModel', 'gpuVram', 'gpuVendor', 'gpuCompute', 'gpuCuda', 'gpuInterconnect'] as const),
  ...(['strategy', 'maxPrice', 'provider'] as const),
  ...(['minCpuScore', 'minCpuAllScore', 'minMemoryBandwidth', 'minDiskRead', 'minDiskWrite', 'minIops'] as const),
] satisfies (keyof JobFlags)[])

/** Adds the flags of what may change of a job while nobody has it. */
export function changeFlags(command: Command): Command {
  const { options } = jobFlags(new Command())
  for (const option of options) if (OF_CHANGES.has(option.attributeName())) command.addOption(option)
  return command
}

/** A word about GPUs asks for one: a flag is there to be typed, and a field to be exact. */
function gpuFields(flags: JobFlags): Record<string, unknown> {
  const { gpu, gpuModel, gpuVram, gpuVendor, gpuCompute, gpuCuda, gpuInterconnect } = flags
  const asked = {
    vendor: gpuVendor,
    models: gpuModel,
    minVram: gpuVram,
    minCompute: gpuCompute,
    cuda: gpuCuda === undefined ? undefined : `>=${gpuCuda.replace(/^>=/, '')}`,
    interconnect: gpuInterconnect,
  }
  const given = Object.entries(asked).filter(([, value]) => value !== undefined)
  if (given.length === 0) return { gpu }
  return { gpu: gpu ?? 1, gpuRequirements: Object.fromEntries(given) }
}

/** Help of a flag that says what holds without it. */
function withDefault(text: string, field: keyof typeof JOB_DEFAULTS): string {
  return `${text} (default: ${JOB_DEFAULTS[field]})`
}

/** A submission for the schema: what was not given is left to its defaults. */
export function submissionOf(image: string | undefined, words: string[], flags: JobFlags): Record<string, unknown> {
  const [first, ...rest] = words
  const fields = {
    image,
    name: flags.name,
    // Like `docker run`: words after the image are arguments, so an image's entrypoint stays.
    command: flags.entrypoint === undefined ? undefined : [flags.entrypoint],
    args: first === undefined ? undefined : [first, ...rest],
    cpu: flags.cpu,
    memory: flags.memory,
    storage: flags.storage,
    imageFrom: imageToCheck(flags),
    platform: flags.platform,
    isolation: flags.isolation,
    ...gpuFields(flags),
    env: flags.env,
    secrets: flags.secret,
    labels: flags.label,
    ports: flags.port,
    volumes: flags.volume,
    inputs: inputsToCheck(flags),
    stdin: stdinToCheck(flags.interactive),
    duration: flags.duration,
    providerStrategy: flags.strategy,
    maxPrice: flags.maxPrice,
    provider: flags.provider,
    outputs: outputsTo(flags),
    imagePullPolicy: flags.pull,
    queueTimeout: flags.queueTimeout,
    maxAttempts: flags.maxAttempts,
    stopSignal: flags.stopSignal,
    shmSize: flags.shmSize,
    maxNetwork: flags.maxNetwork,
    ulimits: flags.ulimit,
    pids: flags.pidsLimit,
    init: flags.init,
    workdir: flags.workdir,
    user: flags.user,
    tty: flags.tty,
    constraints: constraintsOf(flags),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Undefined where no flag says anything of the machine's speed. */
function constraintsOf(flags: JobFlags): Record<string, unknown> | undefined {
  const { minCpuScore, minCpuAllScore, minMemoryBandwidth, minDiskRead, minDiskWrite, minIops } = flags
  const asked = { minCpuScore, minCpuAllScore, minMemoryBandwidth, minDiskRead, minDiskWrite, minIops }
  const given = Object.entries(asked).filter(([, value]) => value !== undefined)
  return given.length === 0 ? undefined : Object.fromEntries(given)
}

/** With where they go. @throws {CliError} where there is no output of that name */
function outputsTo({ output: outputs, outputTo = {}, secret = {} }: JobFlags): JobFlags['output'] {
  const names = Object.keys(outputTo)
  if (names.length === 0) return outputs
  const all = typeof outputs === 'string' ? [{ path: outputs }] : (outputs ?? [])
  const called = all.map((one) => ({ ...one, name: one.name ?? outputNameOf(one.path) }))
  const unknown = names.find((name) => !called.some((one) => one.name === name))
  if (unknown !== undefined) {
    throw new CliError(`--output-to: there is no output ${unknown}: name one with --output ${unknown}=/path`)
  }
  return called.map((one) => {
    const url = outputTo[one.name]
    if (url === undefined) return one
    const s3 = s3Flag('--output-to', url, secret)
    return { ...one, to: s3 === null ? { url } : { s3 } }
  })
}

/** One path alone is what it was before there were several. */
function output(text: string, previous?: JobFlags['output']): NonNullable<JobFlags['output']> {
  const [, name, path = text] = /^([^/=]+)=(.*)$/s.exec(text) ?? []
  if (previous === undefined && name === undefined) return path
  const before = typeof previous === 'string' ? [{ path: previous }] : (previous ?? [])
  return [...before, name === undefined ? { path } : { name, path }]
}

function port(text: string, previous: NonNullable<JobSubmission['ports']> = []): NonNullable<JobSubmission['ports']> {
  const match = /^(\d{1,5})(?:\/(tcp|udp))?(\/public)?$/i.exec(text)
  if (match === null)
    throw new InvalidArgumentError(
      'Write it as 8080, 53/udp or 8080/public: `cortex job forward` brings it to a port of this machine.',
    )
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

/** Written as Docker takes it, a lower soft limit apart: `nofile=1024`, or `nofile=1024:1024`. */
function ulimit(text: string, previous?: JobSubmission['ulimits']): NonNullable<JobSubmission['ulimits']> {
  const [, limit, hard = limit] = /^nofile=(\d{1,9})(?::(\d{1,9}))?$/.exec(text) ?? []
  if (limit === undefined || hard !== limit) throw new InvalidArgumentError('Write it as nofile=65536.')
  if (previous !== undefined) throw twice('nofile')
  return { nofile: Number(limit) }
}

function volume(
  text: string,
  previous: NonNullable<JobSubmission['volumes']> = [],
): NonNullable<JobSubmission['volumes']> {
  const [name = '', mountPath = '', ...more] = text.split(':')
  const shared = more.at(-1) === 'shared' ? { shared: true } : {}
  const [size, keep, ...others] = more.filter((part) => part !== 'shared')
  const isKeep = keep === undefined || keep.startsWith('keep=')
  if (name.startsWith('vol_') && size === undefined && mountPath !== '') {
    return [...previous, { volume: name, mountPath, ...shared }]
  }
  if (mountPath === '' || size === undefined || !isKeep || others.length > 0) {
    throw new InvalidArgumentError('Write it as name:/path:1Gi, name:/path:1Gi:keep=168h or vol_…:/path.')
  }
  const kept = keep === undefined ? {} : { keep: seconds(keep.slice('keep='.length)) }
  return [...previous, { name, mountPath, size: amount(size), ...kept, ...shared }]
}
