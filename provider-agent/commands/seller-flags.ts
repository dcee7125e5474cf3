import { isIPv4 } from 'node:net'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { bytesWithin, millicoresWithin, secondsWithin } from '../../node/commands/docker-amounts.ts'
import { keyValue, outputRoomOption, registry, repeated, wholeNumber } from '../../node/commands/options.ts'
import { MAX_BYTES, MAX_DURATION_SECONDS, MAX_KEEP_SECONDS, MIN_KEEP_SECONDS } from '../../protocol/limits.ts'
import { formatUsd, type NanoUsd } from '../../protocol/money.ts'
import { MAX_STAMP_BITS } from '../../protocol/stamp.ts'
import type { Privileges } from '../engine/index.ts'
import type { Wall } from '../isolation/walls.ts'
import { DEFAULT_PRICES } from '../prices/default-prices.ts'
import { parsePriceRule } from '../prices/price-rules.ts'
import { DEFAULT_JOB_WEIGHT } from '../weights/shares.ts'
import { type GpuPrices, gpuPrices, isolation, usd } from './price-words.ts'
import { client, hours, inputHost, mirror, platform, rate, timeZone } from './seller-words.ts'

const amount = bytesWithin(1, MAX_BYTES)

/** The flags of a seller, as commander gives them. */
export interface SellerOptions {
  dockerHost?: string
  swarm?: true
  name?: string
  /** Millicores, 100..1_024_000. */
  cpu?: number
  /** Bytes, as the storage. */
  memory?: number
  storage?: number
  /** Whole ones, 0..64. */
  gpus?: number
  /** Percent, 0..90. */
  ownerShare?: number
  /** 1..100. */
  jobWeight?: number
  /** Bits a second, 64_000..1e12. */
  maxBandwidth?: number
  /** Nano-dollars, as all prices: for a core-hour. */
  priceCpu?: NanoUsd
  /** For a GB-hour, as that of storage. */
  priceMemory?: NanoUsd
  priceStorage?: NanoUsd
  priceGpu?: GpuPrices
  /** For a GB that a job sends or receives. */
  priceNetwork?: NanoUsd
  /** For a GB-hour of a volume that stays, while no job has it. */
  priceVolume?: NanoUsd
  /** For a job that ran. */
  priceMinimum?: NanoUsd
  /** As written; each can be parsed. */
  priceRule?: string[]
  hours?: string[]
  timeZone?: string
  region?: string
  platform?: string[]
  emulate?: string[]
  label?: Record<string, string>
  registryMirror?: Record<string, string>
  allowRegistry?: string[]
  allowLocalImage?: string[]
  /** Bytes, unpacked. */
  maxImage?: number
  allowImage?: string[]
  denyImage?: string[]
  allowClient?: string[]
  denyClient?: string[]
  /** Percent, 1..100. */
  maxClientShare?: number
  maxKept?: number
  /** Seconds. */
  maxKeep?: number
  stampBits?: number
  /** Seconds. */
  maxDuration?: number
  /** Bytes. */
  imageRoom?: number
  cacheRoom?: number
  outputRoom?: number
  allowInputHost?: string[]
  /** False where jobs are not extended. */
  extension: boolean
  runtime?: string
  isolation?: Wall[]
  privileges?: Privileges
  dns?: string[]
  /** 0..64. */
  sandboxes?: number
  publicAddress?: string
  requireNetworkIsolation?: true
  stopJobs?: true
  volumeRetentionMs?: number
  /** False where the machine is not measured. */
  benchmark: boolean
}

/**
 * Adds the flags of a seller to a command. Most can be given by a variable `CORTEX_FLAG_NAME`, too; defaults that are
 * said in brackets are the agent's.
 */
export function sellerFlags(command: Command): Command {
  const groups = [soldFlags, priceFlags, placeFlags, imageFlags, clientFlags, runFlags]
  return groups.reduce((all, add) => add(all), command)
}

/** What of the machine is sold, and of which engine. */
function soldFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--docker-host <url>', 'the engine, e.g. unix:///var/run/docker.sock; else it is looked for').env(
        'DOCKER_HOST',
      ),
    )
    .option('--swarm', 'sell the whole Docker Swarm that this engine manages')
    .addOption(option('--name <name>', 'what people read (the end of the peer id)'))
    .addOption(
      option(
        '--cpu <millicores>',
        'sell at most this, 2000 or 2.0 (what there is, less the owner’s share)',
        millicoresWithin(100, 1_024_000),
      ),
    )
    .addOption(option('--memory <amount>', 'sell at most this (what there is, less the owner’s share)', amount))
    .addOption(option('--storage <amount>', 'sell at most this (what there is, less the owner’s share)', amount))
    .addOption(option('--gpus <count>', 'sell at most this (all)', wholeNumber(0, 64)))
    .addOption(option('--owner-share <percent>', 'kept for yourself (10)', wholeNumber(0, 90)))
    .addOption(
      option(
        '--job-weight <percent>',
        `of processor and disk for all jobs, while a program of yours that wants them has 100 (${DEFAULT_JOB_WEIGHT})`,
        wholeNumber(1, 100),
      ),
    )
    .addOption(
      option(
        '--max-bandwidth <rate>',
        'that all jobs together receive, and send, e.g. 100Mbit; each its fair share (no limit)',
        rate,
      ),
    )
}

/** What it costs, and when. */
function priceFlags(command: Command): Command {
  return command
    .addOption(option('--price-cpu <usd>', `per core-hour (${formatUsd(DEFAULT_PRICES.cpuPerCoreHour)})`, usd))
    .addOption(option('--price-memory <usd>', `per GB-hour (${formatUsd(DEFAULT_PRICES.memoryPerGbHour)})`, usd))
    .addOption(option('--price-storage <usd>', `per GB-hour (${formatUsd(DEFAULT_PRICES.storagePerGbHour)})`, usd))
    .addOption(
      option(
        '--price-gpu <[model=]usd>',
        `per GPU-hour, of any or of a model, e.g. h100=2.10; repeat it (${formatUsd(DEFAULT_PRICES.gpuPerHour)})`,
        gpuPrices,
      ),
    )
    .addOption(
      option(
        '--price-network <usd>',
        `per GB that a job sends or receives, of jobs that say how much that may be (${formatUsd(DEFAULT_PRICES.networkPerGb)})`,
        usd,
      ),
    )
    .addOption(
      option(
        '--price-volume <usd>',
        `per GB-hour of a volume that stays, for the hours in which no job has it (${formatUsd(DEFAULT_PRICES.volumePerGbHour)})`,
        usd,
      ),
    )
    .addOption(option('--price-minimum <usd>', 'per job that ran, at least (0)', usd))
    .option(
      '--price-rule <rule>',
      'when or for whom prices change, e.g. "22:00-06:00 x0.5", "sat,sun x0.8", "client=PEER x0.9 min=0"; repeat it',
      priceRule,
    )
    .option(
      '--hours <when>',
      'take only jobs that end within these, e.g. "Mon-Fri 18:00-08:00", "sat,sun"; repeat it (always)',
      hours,
    )
    .addOption(option('--time-zone <name>', 'of the rules and hours, e.g. Europe/Berlin (this machine’s)', timeZone))
}

/** Where it is and what it can. */
function placeFlags(command: Command): Command {
  return command
    .addOption(option('--region <name>', 'where the machine is'))
    .option('--platform <name>', 'what the engine runs, e.g. linux/arm64 (by its architecture); repeat it', platform)
    .option(
      '--emulate <name>',
      'run images for this platform, too, by an emulation that you set up; repeat it',
      platform,
    )
    .option('--label <name=value>', 'what jobs can ask for; repeat it', keyValue)
}

/** Which images run, and where they come from. */
function imageFlags(command: Command): Command {
  return command
    .option(
      '--registry-mirror <host=mirror>',
      'pull from here first, e.g. docker.io=mirror.lan:5000; repeat it',
      mirror,
    )
    .option(
      '--allow-registry <host[:port]>',
      'let images come from here though it is inside your network; http:// before it for one without TLS; repeat it',
      registry,
    )
    .option(
      '--allow-local-image <pattern>',
      'images of this machine that anybody may run by name, though no registry gives them; repeat it',
      repeated,
    )
    .addOption(option('--max-image <amount>', 'the largest image taken, unpacked (32Gi)', amount))
    .option('--allow-image <pattern>', 'images that may run, * for any text; repeat it', repeated)
    .option('--deny-image <pattern>', 'images that may not; repeat it', repeated)
}

/** Who may run jobs, and how much. */
function clientFlags(command: Command): Command {
  return command
    .option('--allow-client <peer-id>', 'serve only these; repeat it', client)
    .option('--deny-client <peer-id>', 'do not serve these; repeat it', client)
    .addOption(
      option(
        '--stamp-bits <bits>',
        'of work that requests must carry while many ask (0)',
        wholeNumber(0, MAX_STAMP_BITS),
      ),
    )
    .addOption(option('--max-client-share <percent>', 'of the machine for one requester (100)', wholeNumber(1, 100)))
    .addOption(
      option('--max-kept <number>', 'volumes that stay after their jobs; 0 for none (16)', wholeNumber(0, 10_000)),
    )
    .addOption(
      option(
        '--max-keep <seconds>',
        'how long such a volume stays after its last use at most (604800, a week)',
        secondsWithin(MIN_KEEP_SECONDS, MAX_KEEP_SECONDS),
      ),
    )
    .addOption(
      option(
        '--max-duration <seconds>',
        `the longest duration, extensions included; the grace of a stop, 300 s at most, is paid on top (${MAX_DURATION_SECONDS})`,
        secondsWithin(1, MAX_DURATION_SECONDS),
      ),
    )
}

/** How jobs run. */
function runFlags(command: Command): Command {
  return command
    .addOption(
      option(
        '--cache-room <amount>',
        'what jobs bring may take so much, kept for the next (a tenth of the disk)',
        amount,
      ),
    )
    .addOption(outputRoomOption())
    .option(
      '--allow-input-host <host[:port]>',
      'let jobs bring files from URLs of this host, and send outputs there, though it is inside your network; repeat it',
      inputHost,
    )
    .addOption(option('--image-room <amount>', 'free disk below which images that jobs left are removed (5Gi)', amount))
    .addOption(option('--no-extension', 'do not extend running jobs'))
    .addOption(option('--runtime <name>', 'of jobs that name no isolation, e.g. runsc; else the engine’s own'))
    .addOption(
      option(
        '--isolation <class=runtime[@factor]>',
        'sell this class, too: container, gvisor or vm, at 0.01 to 100 times the price, e.g. gvisor=runsc@1.2; GPUs are given under container alone; repeat it',
        isolation,
      ),
    )
    .addOption(
      option('--privileges <kind>', 'of root in jobs: as under docker run, or least (ordinary)').choices([
        'ordinary',
        'least',
      ] satisfies Privileges[]),
    )
    .option('--dns <address>', 'name server that jobs ask, even one in the LAN; repeat it', nameServer)
    .addOption(option('--sandboxes <count>', 'networks made ahead, so that jobs start sooner (2)', wholeNumber(0, 64)))
    .addOption(option('--public-address <ipv4>', 'publish the ports here that jobs want public; else none are', ipv4))
    .addOption(option('--require-network-isolation', 'do not start where jobs could reach this machine’s network'))
    .addOption(option('--no-benchmark', 'do not measure what the machine does, half a minute a week while it is idle'))
    .option('--stop-jobs', 'end the jobs when the agent is stopped')
    .addOption(new Option('--volume-retention-ms <ms>').argParser(wholeNumber(0, 86_400_000)).hideHelp())
}

/** One that may stand in the environment as well: `--price-cpu` as `CORTEX_PRICE_CPU`. */
function option(flags: string, text: string, parse?: (word: string) => unknown): Option {
  const made = new Option(flags, text)
  const [, name = ''] = /^--([a-z-]+)/.exec(flags) ?? []
  made.env(`CORTEX_${name.replaceAll('-', '_').toUpperCase()}`)
  return parse === undefined ? made : made.argParser(parse)
}

function nameServer(text: string, before: string[] = []): string[] {
  return repeated(ipv4(text), before)
}

function ipv4(text: string): string {
  if (!isIPv4(text)) throw new InvalidArgumentError('Give an IPv4 address such as 9.9.9.9.')
  return text
}

function priceRule(text: string, previous: string[] = []): string[] {
  if (parsePriceRule(text) !== null) return [...previous, text]
  throw new InvalidArgumentError(
    'Write conditions and then a factor from x0 to x100, a minimum charge or both: "22:00-06:00 x0.5", "client=PEER x0.9 min=0".',
  )
}
