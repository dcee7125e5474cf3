import { isIPv4 } from 'node:net'
import { Command, InvalidArgumentError, Option } from 'commander'
import {
  keyValue,
  type PeerOptions,
  partFolder,
  peerInit,
  repeated,
  wholeNumber,
  withPeerOptions,
} from '../../node/commands/options.ts'
import { untilSignal } from '../../node/commands/until-signal.ts'
import { type NanoUsd, type Prices, parseUsd } from '../../protocol/money.ts'
import { parseBytes, type Resources } from '../../protocol/units.ts'
import { DEFAULT_PRICES } from '../pricing.ts'
import type { ProviderInit } from '../start-provider.ts'

/** The flags of a seller, as commander gives them. */
export interface SellerOptions {
  dockerHost?: string
  name?: string
  cpu?: number
  memory?: number
  storage?: number
  gpus?: number
  priceCpu?: NanoUsd
  priceMemory?: NanoUsd
  priceStorage?: NanoUsd
  priceGpu?: NanoUsd
  region?: string
  label?: Record<string, string>
  allowImage?: string[]
  stopJobs?: true
  runtime?: string
  dns?: string[]
  requireNetworkIsolation?: true
}

/** `cortex agent`: sells this machine until it is stopped. */
export function agentCommand(): Command {
  const command = new Command('agent').description('rent out this machine: measure it, bid, and run the jobs it wins')
  withPeerOptions(sellerFlags(command), { listen: ['/ip4/0.0.0.0/tcp/0'], logLevel: 'info' })
  return command
    .addHelpText('after', '\nExample:\n  $ cortex agent --price-cpu 0.01 --cpu 4000 --memory 8Gi --region eu')
    .action(async (options: PeerOptions & SellerOptions) => {
      const [{ createLogger }, { startProvider }] = await Promise.all([
        import('../../node/logger.ts'),
        import('../start-provider.ts'),
      ])
      const logger = createLogger({ name: 'agent', level: options.logLevel })
      const provider = await startProvider({ logger }, providerInit(options))
      process.stderr.write(`selling on network ${options.network} as ${provider.network.peerId}\n`)
      const signal = await untilSignal()
      const left = options.stopJobs === true ? 'jobs are ended' : 'containers are left running for the next start'
      process.stderr.write(`${signal}: stopping, ${left}\n`)
      await provider.stop({ stopJobs: options.stopJobs === true })
    })
}

export function sellerFlags(command: Command): Command {
  return command
    .addOption(new Option('--docker-host <url>', 'the engine, e.g. unix:///var/run/docker.sock').env('DOCKER_HOST'))
    .addOption(new Option('--name <name>', 'what people read').env('CORTEX_NAME'))
    .addOption(
      new Option('--cpu <millicores>', 'sell at most this').env('CORTEX_CPU').argParser(wholeNumber(100, 1_024_000)),
    )
    .addOption(new Option('--memory <amount>', 'sell at most this').env('CORTEX_MEMORY').argParser(amount))
    .addOption(new Option('--storage <amount>', 'sell at most this').env('CORTEX_STORAGE').argParser(amount))
    .addOption(new Option('--gpus <count>', 'sell at most this').env('CORTEX_GPUS').argParser(wholeNumber(0, 64)))
    .addOption(new Option('--price-cpu <usd>', 'per core-hour').env('CORTEX_PRICE_CPU').argParser(usd))
    .addOption(new Option('--price-memory <usd>', 'per GB-hour').env('CORTEX_PRICE_MEMORY').argParser(usd))
    .addOption(new Option('--price-storage <usd>', 'per GB-hour').env('CORTEX_PRICE_STORAGE').argParser(usd))
    .addOption(new Option('--price-gpu <usd>', 'per GPU-hour').env('CORTEX_PRICE_GPU').argParser(usd))
    .addOption(new Option('--region <name>', 'where the machine is').env('CORTEX_REGION'))
    .option('--label <name=value>', 'what jobs can ask for; repeat it', keyValue)
    .option('--allow-image <pattern>', 'images that may run, * for any text; repeat it', repeated)
    .addOption(new Option('--runtime <name>', 'sandbox for jobs, e.g. runsc').env('CORTEX_RUNTIME'))
    .option('--dns <address>', 'name server that jobs ask, even one in the LAN; repeat it', nameServer)
    .addOption(
      new Option('--require-network-isolation', 'do not start where jobs could reach this machine’s network').env(
        'CORTEX_REQUIRE_NETWORK_ISOLATION',
      ),
    )
    .option('--stop-jobs', 'end the jobs when the agent is stopped')
}

export function providerInit(options: PeerOptions & SellerOptions): ProviderInit {
  const caps: Partial<Resources> = {
    ...(options.cpu === undefined ? {} : { cpuMillis: options.cpu }),
    ...(options.memory === undefined ? {} : { memoryBytes: options.memory }),
    ...(options.storage === undefined ? {} : { storageBytes: options.storage }),
    ...(options.gpus === undefined ? {} : { gpu: options.gpus }),
  }
  const prices: Prices = {
    cpuPerCoreHour: options.priceCpu ?? DEFAULT_PRICES.cpuPerCoreHour,
    memoryPerGbHour: options.priceMemory ?? DEFAULT_PRICES.memoryPerGbHour,
    storagePerGbHour: options.priceStorage ?? DEFAULT_PRICES.storagePerGbHour,
    gpuPerHour: options.priceGpu ?? DEFAULT_PRICES.gpuPerHour,
    networkPerGb: DEFAULT_PRICES.networkPerGb,
  }
  return {
    ...peerInit(options),
    dataFolder: partFolder(options, 'agent'),
    ...(options.dockerHost === undefined ? {} : { dockerHost: options.dockerHost }),
    ...(options.runtime === undefined ? {} : { runtime: options.runtime }),
    ...(options.dns === undefined ? {} : { nameServers: options.dns }),
    requireNetworkIsolation: options.requireNetworkIsolation === true,
    agent: {
      prices,
      caps,
      ...(options.name === undefined ? {} : { name: options.name }),
      ...(options.region === undefined ? {} : { region: options.region }),
      ...(options.label === undefined ? {} : { labels: options.label }),
      ...(options.allowImage === undefined ? {} : { allowImages: options.allowImage }),
      ...(options.heartbeatMs === undefined ? {} : { heartbeatMs: options.heartbeatMs }),
      ...(options.lostAfterMs === undefined ? {} : { silenceMs: options.lostAfterMs }),
    },
  }
}

function nameServer(text: string, before: string[] = []): string[] {
  if (!isIPv4(text)) throw new InvalidArgumentError('Give an IPv4 address such as 9.9.9.9.')
  return repeated(text, before)
}

function usd(text: string): NanoUsd {
  const price = parseUsd(text)
  if (price === null) throw new InvalidArgumentError('Give US dollars, 0 or more, such as 0.012.')
  return price
}

function amount(text: string): number {
  const bytes = parseBytes(text)
  if (bytes === null || bytes === 0) throw new InvalidArgumentError('Give an amount such as 512Mi or 8Gi.')
  return bytes
}
