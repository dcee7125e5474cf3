import { MAX_DURATION_SECONDS } from '../protocol/limits.ts'
import type { Prices } from '../protocol/money.ts'
import type { Resources } from '../protocol/units.ts'
import type { UrlPatience } from './inputs/patience.ts'
import { PLAIN_WALL, type Wall } from './isolation/walls.ts'
import { DEFAULT_PRICES } from './prices/default-prices.ts'
import type { GpuPrice, PriceRule } from './prices/price-rules.ts'

/** How a provider agent sells and runs; what is left out has the default said with it. */
export interface AgentInit {
  /** Name of the market; see `NETWORK_NAME`. */
  marketName: string
  /** Folder of the journal; made where it is missing. One process at a time. */
  dataFolder: string
  /** For people, at most 256 characters. @default the start of the peer id */
  name?: string
  /** What the agent says its version is. @default "" */
  version?: string
  /** Posted prices in nano-dollars. @default DEFAULT_PRICES */
  prices?: Prices
  /** When and for whom the prices change; the factors of all that hold are multiplied. @default [] */
  priceRules?: PriceRule[]
  /** Of models of GPUs, in place of the price of any; the first that is meant holds. @default [] */
  gpuPrices?: GpuPrice[]
  /** When jobs are taken, and until when they must have ended, e.g. `Mon-Fri 18:00-08:00`; empty is always. @default [] */
  hours?: string[]
  /** IANA name of the time zone of the rules and hours. @default the machine's */
  timeZone?: string
  /** @default "" */
  region?: string
  /** Labels that jobs can ask for. @default {} */
  labels?: Record<string, string>
  /** What this machine offers beside containers, e.g. `gpu`. `extend` is added where extension is allowed. @default [] */
  capabilities?: string[]
  /** What the engine runs by itself, e.g. `linux/amd64`, the best first. @default what its architecture says */
  platforms?: string[]
  /** What it runs by emulation, which its owner set up. @default [] */
  emulate?: string[]
  /** Classes of isolation that are sold, the default first; the engine has the same. @default containers alone */
  walls?: readonly Wall[]
  /** Upper bounds on what is offered; a missing one is what the machine has. @default {} */
  caps?: Partial<Resources>
  /** Share of the machine that is kept for its owner, 0..0.9. @default 0.1 */
  ownerShare?: number
  /** Patterns of images that may run, `*` for any text; empty is every image. @default [] */
  allowImages?: string[]
  /** Patterns of images that may not. @default [] */
  denyImages?: string[]
  /**
   * Patterns of images that the engine has and that jobs may run by name though no registry gives them, `*` for any text:
   * what the owner built, or loaded. @default []
   */
  allowLocalImages?: string[]
  /** Peer ids of requesters that may run any such image, and have all the room for outputs: the owner's own. @default [] */
  ownRequesters?: string[]
  /** Peer ids of the requesters that are served; empty is everyone. @default [] */
  allowClients?: string[]
  /** Peer ids of requesters that are not; it outweighs the list of those that are. @default [] */
  denyClients?: string[]
  /** The longest job taken, extensions included, in seconds. Range 1..2_592_000. @default 2_592_000 */
  maxDurationSeconds?: number
  /** Whether running jobs may be extended. @default true */
  allowExtension?: boolean
  /** Share of the machine that one requester may hold in bids and leases together, above 0 up to 1. @default 1 */
  maxClientShare?: number
  /**
   * How long a reservation made by a bid is held, in ms. Range 500..60_000. A request with a longer bid window is
   * given more, up to three times this, so that an award never meets an expired bid on a healthy network.
   * @default 5_000
   */
  reservationMs?: number
  /**
   * Bids that one requester may have open at a time. Range 1..10_000. Bounds what somebody who asks and never awards
   * can hold, beside the share that shrinks with each bid let lapse.
   * @default 256
   */
  maxOpenBidsPerRequester?: number
  /**
   * Work that requests must carry while more than `calmPerSecond` are answered, in bits: each doubles what asking costs. 0 is
   * none. Range 0..18.
   * @default 0
   */
  stampBits?: number
  /** Requests a second that are answered without a stamp, on average. Range 1..1_000. @default 50 */
  calmPerSecond?: number
  /** Time between announcements, in ms; more where so many sell that all together would say too much. Range 1_000..3_600_000. @default 15_000 */
  announceMs?: number
  /** How long changes of free capacity are gathered before they are announced, in ms. @default 1_000 */
  announceDelayMs?: number
  /** Time between heartbeats on a lease stream, in ms. Range 100..30_000. @default 5_000 */
  heartbeatMs?: number
  /** A lease stream without a word for this long is given up and dialled anew, in ms. @default 30_000 */
  silenceMs?: number
  /** How long a fresh lease waits for its requester to attach before the provider dials, in ms. @default 2_000 */
  dialDelayMs?: number
  /** Time between samples of use, in ms; the first comes after about a second. Range 500..3_600_000. @default 5_000 */
  statsMs?: number
  /**
   * Time between looks at what jobs take of the disk, in ms; longer where one look takes more than a tenth of that.
   * Range 500..60_000.
   * @default 3_000
   */
  storageMs?: number
  /** Time between looks at whether a job's ports answer, in ms; sooner until they do. Range 100..60_000. @default 10_000 */
  endpointsMs?: number
  /**
   * Volumes that are kept after their jobs, for all requesters together; one may have half of them, and all together take no
   * more than half of the storage. 0 keeps none.
   * @default 16
   */
  maxKept?: number
  /** How long a volume is kept after its last use at most, in seconds. Range 60..31_536_000. @default 7 days */
  maxKeepSeconds?: number
  /** How long volumes wait for another attempt of their job after one that did not end well, in ms. @default 10 minutes */
  volumeRetentionMs?: number
  /** How long log lines are gathered into a batch while the requester listens, in ms. Range 0..1_000. @default 20 */
  logFlushMs?: number
  /** Time between measurements of the machine, in ms. Range 1_000..3_600_000. @default 60_000 */
  measureMs?: number
  /** Time between looks at the engine, in ms; one look may take as long. Range 100..5_000. @default 4_000 */
  healthMs?: number
  /** Free bytes of the data folder's disk below which nothing new is taken. @default 64 MiB */
  minFreeBytes?: number
  /**
   * Free bytes under the engine's data root below which images that no job needs are removed, of those that were pulled
   * for jobs. @default 5 GiB
   */
  imageRoomBytes?: number
  /** What a lease may keep unsent, in bytes; beyond it its oldest log lines go. @default 64 MiB */
  maxLeaseBytes?: number
  /** What all leases may keep unsent together, in bytes. @default 1 GiB */
  maxJournalBytes?: number
  /**
   * What outputs of jobs may take together until their requesters have them, in bytes; those of one requester take no more than
   * half of it, and no more than `maxClientShare`, unless it is one of `ownRequesters`.
   * @default a tenth of the disk
   */
  outputRoomBytes?: number
  /** What is on its way into containers or out of them may take together, in bytes. @default 8 GiB */
  maxSpoolBytes?: number
  /**
   * What jobs brought and is kept for others of the same requesters may take so much, in bytes, with what is on its way.
   * @default a tenth of the disk
   */
  cacheRoomBytes?: number
  /** How long nothing may come of what a job brings before it is given up, in ms. @default 10 minutes */
  inputStallMs?: number
  /**
   * Hosts that jobs may bring something from though they are inside the network: `HOST[:PORT]` as URLs write them, in lower
   * case. Read at each connection. @default []
   */
  allowInputHosts?: string[]
  /** How long the servers of URLs are waited for. @default as said there */
  urlPatience?: UrlPatience
  /** A UDP flow into a container without a datagram for this long is over, in ms. Range 1_000..3_600_000. @default 300_000 */
  udpIdleMs?: number
  /** Whether the machine is measured, while nothing runs on it: at the first start, and once a week. @default false */
  benchmark?: boolean
  /** How long an ended lease, or a kept output, waits for its requester to take it, in ms. @default 7 days */
  endedRetentionMs?: number
}

/** {@link AgentInit} with its defaults; without a time zone it is the machine's, and rooms are a tenth of the disk. */
export type AgentOptions = Required<Omit<AgentInit, Open>> & Pick<AgentInit, Open>

/** What has no value where nothing is said of it. */
type Open = 'timeZone' | 'cacheRoomBytes' | 'outputRoomBytes'

/** Fills in the defaults. @param peerId names the agent where its owner does not */
export function resolveOptions(init: AgentInit, peerId: string): AgentOptions {
  return {
    name: `provider ${peerId.slice(-6)}`,
    version: '',
    prices: DEFAULT_PRICES,
    priceRules: [],
    gpuPrices: [],
    hours: [],
    region: '',
    labels: {},
    capabilities: [],
    platforms: [],
    emulate: [],
    walls: [PLAIN_WALL],
    caps: {},
    ownerShare: 0.1,
    allowImages: [],
    denyImages: [],
    allowLocalImages: [],
    ownRequesters: [],
    allowClients: [],
    denyClients: [],
    maxDurationSeconds: MAX_DURATION_SECONDS,
    allowExtension: true,
    maxClientShare: 1,
    reservationMs: 5_000,
    maxOpenBidsPerRequester: 256,
    stampBits: 0,
    calmPerSecond: 50,
    announceMs: 15_000,
    announceDelayMs: 1_000,
    heartbeatMs: 5_000,
    silenceMs: 30_000,
    dialDelayMs: 2_000,
    statsMs: 5_000,
    storageMs: 3_000,
    endpointsMs: 10_000,
    maxKept: 16,
    maxKeepSeconds: 7 * 24 * 3_600,
    volumeRetentionMs: 600_000,
    logFlushMs: 20,
    measureMs: 60_000,
    healthMs: 4_000,
    minFreeBytes: 64 * 2 ** 20,
    imageRoomBytes: 5 * 2 ** 30,
    maxLeaseBytes: 64 * 2 ** 20,
    maxJournalBytes: 2 ** 30,
    maxSpoolBytes: 8 * 2 ** 30,
    inputStallMs: 600_000,
    allowInputHosts: [],
    urlPatience: {},
    udpIdleMs: 300_000,
    benchmark: false,
    endedRetentionMs: 7 * 24 * 3_600_000,
    ...init,
  }
}
