import { join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { MAX_BYTES } from '../../protocol/limits.ts'
import { DEFAULT_NETWORK, NETWORK_NAME } from '../../protocol/topics.ts'
import type { FollowerTimes } from '../market/index.ts'
import type { PeerInit } from '../network/peer-init.ts'
import { bytesWithin } from './docker-amounts.ts'
import { say } from './print.ts'
import { userFolders } from './user-folders.ts'

/** Where a gateway or `cortex up` on this machine listens for peers unless told otherwise. */
export const DEFAULT_PEER_PORT = 13_100

/** Flags of every command that joins a network, as commander gives them; see {@link withPeerOptions}. */
export interface PeerOptions {
  /** The folder under which each part has its own, see {@link partFolder}. */
  data: string
  /** The market's name. @default "main" */
  network: string
  listen: string[]
  announce?: string[]
  /** Multiaddrs of peers to begin with. @default a gateway or `cortex up` on this machine */
  bootstrap: string[]
  mdns: boolean
  /** A file, not the key itself. */
  networkKey?: string
  upnp?: true
  /** Connections at a time, 16 to 10,000. */
  maxPeers?: number
  /** Of those, the ones that may come in from one public address, 1 to 10,000. */
  peersPerAddress?: number
  logLevel: string
  /** Time between heartbeats on leases, in ms; hidden, for tests that cannot wait. @default 5_000 */
  heartbeatMs?: number
  /** Silence after which the other side of a lease is lost, in ms; hidden, for tests that cannot wait. @default 30_000 */
  lostAfterMs?: number
}

/** The platform's folder for data of this program. */
export function defaultDataFolder(): string {
  return userFolders().data
}

/** Where every part keeps its folder. */
export function dataOption(): Option {
  return new Option('--data <folder>', 'where identity and state are kept')
    .env('CORTEX_DATA')
    .default(defaultDataFolder())
}

/** Adds the flags of every command that joins a network, each with its `CORTEX_*` variable. */
export function withPeerOptions(command: Command, defaults: { listen: string[]; logLevel: string }): Command {
  return command
    .addOption(dataOption())
    .addOption(
      new Option('--network <name>', 'the market to join')
        .env('CORTEX_NETWORK')
        .default(DEFAULT_NETWORK)
        .argParser(parseNetworkName),
    )
    .addOption(
      new Option('--listen <multiaddr>', 'an address for other peers; repeat it')
        .env('CORTEX_LISTEN')
        .default(defaults.listen)
        .argParser(words),
    )
    .addOption(
      new Option(
        '--announce <multiaddr>',
        'told to others in place of the addresses listened on, where a router or cloud forwards them; repeat it',
      )
        .env('CORTEX_ANNOUNCE')
        .argParser(words),
    )
    .addOption(
      new Option('--bootstrap <multiaddr>', 'a peer to begin with; repeat it')
        .env('CORTEX_BOOTSTRAP')
        .default([`/ip4/127.0.0.1/tcp/${DEFAULT_PEER_PORT}`])
        .argParser(words),
    )
    .addOption(new Option('--no-mdns', 'do not look for peers on the local network').env('CORTEX_NO_MDNS'))
    .addOption(new Option('--upnp', 'ask the router to let other peers in').env('CORTEX_UPNP'))
    .addOption(
      new Option('--network-key <file>', 'the key of a private network, see `cortex network-key`').env(
        'CORTEX_NETWORK_KEY',
      ),
    )
    .addOption(
      new Option('--max-peers <number>', 'connections at a time; beyond, newcomers get the places of idle ones (300)')
        .env('CORTEX_MAX_PEERS')
        .argParser(wholeNumber(16, 10_000)),
    )
    .addOption(
      new Option(
        '--peers-per-address <number>',
        'of those, how many may come in from one public address; twice as many from its /24 or /48 (a fifth)',
      )
        .env('CORTEX_PEERS_PER_ADDRESS')
        .argParser(wholeNumber(1, 10_000)),
    )
    .addOption(
      new Option('--log-level <level>', 'how much to log')
        .env('CORTEX_LOG_LEVEL')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default(defaults.logLevel),
    )
    .addOption(new Option('--heartbeat-ms <ms>').argParser(wholeNumber(100, 30_000)).hideHelp())
    .addOption(new Option('--lost-after-ms <ms>').argParser(wholeNumber(500, 600_000)).hideHelp())
}

/**
 * What a peer is started with. That nobody can be reached is said on stderr only where somebody named whom to begin
 * with.
 */
export function peerInit(options: PeerOptions): PeerInit {
  const { network, listen, announce, bootstrap, mdns, networkKey, upnp, maxPeers, peersPerAddress } = options
  return {
    ...{ networkName: network, listen, bootstrap, mdns },
    // The default is a guess: a gateway on this machine.
    ...(isGiven(bootstrap) ? { onTrouble: (line: string) => say(`cortex: ${line}`) } : {}),
    ...(announce === undefined ? {} : { announce }),
    ...(upnp === undefined ? {} : { upnp }),
    ...(maxPeers === undefined ? {} : { maxConnections: maxPeers }),
    ...(peersPerAddress === undefined ? {} : { placesPerAddress: peersPerAddress }),
    ...(networkKey === undefined ? {} : { networkKeyFile: networkKey }),
  }
}

/** What of a requester's times the flags change. */
export function followerTimes({ heartbeatMs, lostAfterMs }: PeerOptions): Partial<FollowerTimes> {
  return {
    ...(heartbeatMs === undefined ? {} : { heartbeatMs }),
    ...(lostAfterMs === undefined ? {} : { lostAfterMs }),
  }
}

/** The folder of one part under `--data`, e.g. `DATA/agent`. */
export function partFolder(options: { data: string }, part: 'client' | 'agent' | 'gateway' | 'relay'): string {
  return join(options.data, part)
}

/** A whole number within a range, or an error that says so. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`)
    }
    return value
  }
}

/** Gathers repeated `k=v` into a map, each name once. */
export function keyValue(text: string, previous: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('Write it as NAME=VALUE.')
  const name = text.slice(0, at)
  if (Object.hasOwn(previous, name)) throw twice(name)
  return { ...previous, [name]: text.slice(at + 1) }
}

/** The error of a name that a flag was given before: nobody could say which value is meant. */
export function twice(name: string): InvalidArgumentError {
  return new InvalidArgumentError(`${name} is given twice: leave one of them out.`)
}

/** Gathers a repeated option into a list. */
export function repeated(text: string, previous: string[] = []): string[] {
  return [...previous, text]
}

function parseNetworkName(text: string): string {
  if (!NETWORK_NAME.test(text)) {
    throw new InvalidArgumentError(
      'Use 1 to 32 lower-case letters, digits and dashes, starting with a letter or digit.',
    )
  }
  return text
}

/** Words of a list option, repeated or separated by commas (as in a variable). The first one given replaces the default. */
export function words(text: string, previous: unknown): string[] {
  const added = text.split(',').filter((word) => word !== '')
  const given = Array.isArray(previous) && isGiven(previous) ? (previous as string[]) : []
  return Object.assign([...given, ...added], { given: true as const })
}

/** Whether a list is what somebody said, and not the default. */
export function isGiven(list: object): boolean {
  return 'given' in list
}

/** Registries that a client node asks about images; of a seller's own, those that it pulls from. */
export interface RegistryOptions {
  allowRegistry?: string[]
}

/** Adds `--allow-registry` of a command with a client node. */
export function withAllowedRegistries(command: Command): Command {
  return command.option(
    '--allow-registry <host[:port]>',
    'ask this registry what images are though it is inside your network; http:// before it for one without TLS; repeat it',
    registry,
  )
}

/** What a peer that keeps outputs is told of it. */
export interface OutputRoomOptions {
  /** Bytes. */
  outputRoom?: number
}

/** `--output-room` of every command that keeps outputs. */
export function outputRoomOption(): Option {
  return new Option('--output-room <amount>', 'what jobs left may take so much of the disk (a tenth of it)')
    .env('CORTEX_OUTPUT_ROOM')
    .argParser(bytesWithin(1, MAX_BYTES))
}

/** A registry as images name it, with `http://` before it for one without TLS; of a flag that may be repeated. */
export function registry(text: string, previous: string[] = []): string[] {
  if (!/^(https?:\/\/)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/i.test(text)) {
    throw new InvalidArgumentError('Give its host as images name it, such as registry.lan:5000.')
  }
  return [...previous, text]
}
