/**
 * Whether what a peer said makes sense: lengths, ranges, the right network, the right signer. Each check answers typed
 * values or throws {@link WireError}; nothing a peer sends is used before it went through here.
 */

import {
  checkAddresses,
  checkDigest,
  checkLabels,
  checkLine,
  checkLines,
  checkNetwork,
  checkOneOf,
  checkPeerId,
  checkPrice,
  checkRandomId,
  checkRange,
  checkSigner,
  checkTime,
  invalidField,
} from './check-fields.ts'
import { decode, fromWirePrices, fromWireResources, safeNumber } from './codec.ts'
import {
  AnnouncementSchema,
  type Award,
  AwardSchema,
  type Bid,
  BidSchema,
  JobRequestSchema,
  type Receipt,
  ReceiptSchema,
  RequirementsSchema,
  type SignedStatement,
  SignedStatementSchema,
} from './gen/cortex/v1/market_pb.js'
import { checkGpu, checkGpuRequirements, checkGpus } from './gpu-wire.ts'
import type { GpuModel, GpuRequirements } from './gpus.ts'
import type { Hardware } from './hardware.ts'
import { isJobId, isPeerId } from './ids.ts'
import type { IsolationOffer } from './isolation.ts'
import { isImageReference } from './job-fields.ts'
import type { KeptRequirement } from './job-volumes.ts'
import {
  MAX_ANNOUNCE_MS,
  MAX_AWARD_BYTES,
  MAX_BID_BYTES,
  MAX_BID_VALID_MS,
  MAX_BID_WINDOW_MS,
  MAX_BYTES,
  MAX_CAPABILITIES,
  MAX_CLOCK_DIFFERENCE_MS,
  MAX_CPU_MILLIS,
  MAX_DURATION_SECONDS,
  MAX_GOSSIP_BYTES,
  MAX_GPUS,
  MAX_LABEL_LENGTH,
  MAX_LEASE_TIMEOUT_SECONDS,
  MIN_ANNOUNCE_MS,
  MIN_CPU_MILLIS,
  MIN_LEASE_TIMEOUT_SECONDS,
  MIN_MEMORY_BYTES,
} from './limits.ts'
import {
  checkFigures,
  checkHardware,
  checkImageDigest,
  checkIsolation,
  checkIsolations,
  checkMeasured,
  checkPlatforms,
  checkTraffic,
} from './machine-wire.ts'
import type { Measured, Minimums } from './measured.ts'
import { chargeOf, type NanoUsd, type Prices } from './money.ts'
import { openStatement } from './statements.ts'
import { readTraceparent } from './traceparent.ts'
import { type Resources, shortages } from './units.ts'
import { checkKept } from './volume-messages.ts'
import { checkImageBytes, checkMissing, checkWanted, type WantedBlobs } from './wanted-blobs.ts'
import { WireError } from './wire-error.ts'

/** What a provider says of itself; amounts in base units. */
export interface Announcement {
  provider: string
  name: string
  /** The provider's clock when its process started, in ms: a restarted provider begins anew. */
  incarnation: number
  /** Rises by one with each announcement of an incarnation. */
  sequence: number
  /** The next one comes within this many ms; 1_000..3_600_000. */
  intervalMs: number
  total: Resources
  free: Resources
  prices: Prices
  region: string
  labels: Record<string, string>
  capabilities: string[]
  version: string
  /** Docker's name, e.g. `amd64`. */
  architecture: string
  addresses: string[]
  uptimeSeconds: number
  /** Empty while it bids. */
  pausedReason: string
  /** Whether something is wrong with it; false of older versions, which do not say. */
  impaired: boolean
  /** Since the provider's data folder was made; a claim, as `jobsFailed` is. */
  jobsCompleted: number
  jobsFailed: number
  /** The GPUs behind the totals, by kind. */
  gpus: GpuModel[]
  /** What the machine does in a second; null where nothing was measured. */
  measured: Measured | null
  /** What it is made of; null of older versions, which do not say. */
  hardware: Hardware | null
  /** What its engine runs by itself, the best first; none of older versions, which do not say. */
  platforms: string[]
  /** What it runs by emulation. */
  emulatedPlatforms: string[]
  /** Walls that it puts around jobs, its default first; none of older versions, which do not say. */
  isolations: IsolationOffer[]
}

/** What a job needs; see `Requirements` in the proto file. */
export interface Requirements {
  resources: Resources
  image: string
  durationSeconds: number
  /** Nano-dollars per hour; null is no cap. */
  maxPricePerHour: NanoUsd | null
  /** Empty is any. */
  region: string
  labels: Record<string, string>
  capabilities: string[]
  minUptimeSeconds: number
  /** Empty is any. */
  provider: string
  minimums: Minimums
  /** As `plainPlatform` writes them, of which any will do; none is any. */
  platforms: string[]
  /** `sha256:…` of the image; empty where that is what its tag means by then. */
  imageDigest: string
  /** One of `ISOLATIONS`, or one that only newer versions know; empty is the provider's default. */
  isolation: string
  /** Of its GPUs; absent is any. */
  gpuRequirements?: GpuRequirements
  /** Most bytes that it sends and receives together; absent is any number, for which nobody pays. */
  maxNetworkBytes?: number
  /** Volumes that outlive it; absent is none. */
  keptVolumes?: KeptRequirement[]
  /** What its requester sends to whoever gets it; absent is nothing. */
  blobs?: WantedBlobs
  /** What all layers of its image take as its registry sends them; absent where nobody knows. */
  imageBytes?: number
}

/** A request as a provider works with it. */
export interface CheckedRequest {
  requestId: Uint8Array
  requirements: Requirements
  requirementsBytes: Uint8Array
  bidWindowMs: number
  /** Of a million providers so many should answer; see `sample.ts`. */
  samplePerMillion: number
  addresses: string[]
  /** Whether the requester knows of minimum charges. */
  takesMinimumCharge: boolean
  /** Whether it knows of prices of volumes that outlive their jobs. */
  takesVolumePrice: boolean
  /** See `stamp.ts`; of any length. */
  stamp: Uint8Array
  /** See `traceparent.ts`. */
  traceparent: string
}

/** @throws {WireError} */
export async function readAnnouncement(bytes: Uint8Array, network: string): Promise<Announcement> {
  return await checkAnnouncement(decode(SignedStatementSchema, bytes, MAX_GOSSIP_BYTES), network)
}

/** @throws {WireError} */
export async function checkAnnouncement(statement: SignedStatement, network: string): Promise<Announcement> {
  const { payload, signer } = await openStatement('announcement', statement)
  const wire = decode(AnnouncementSchema, payload, MAX_GOSSIP_BYTES)
  checkNetwork(wire.network, network)
  checkSigner(wire.provider, signer)
  checkRange('interval_ms', wire.intervalMs, MIN_ANNOUNCE_MS, MAX_ANNOUNCE_MS)
  checkLine('name', wire.name)
  if (isPeerId(wire.name)) throw invalidField('name', 'must not look like a peer id')
  checkLine('region', wire.region)
  checkLine('version', wire.version)
  checkLine('architecture', wire.architecture)
  checkLine('paused_reason', wire.pausedReason)
  checkLines('capabilities', wire.capabilities, MAX_CAPABILITIES, MAX_LABEL_LENGTH)
  checkAddresses('addresses', wire.addresses)
  checkLabels('labels', wire.labels)
  const total = fromWireResources(wire.total)
  const free = fromWireResources(wire.free)
  if (shortages(free, total).length > 0) throw invalidField('free', 'must be at most the total')
  const prices = fromWirePrices(wire.prices)
  for (const price of Object.values(prices)) checkPrice('prices', price)
  return {
    provider: wire.provider,
    name: wire.name,
    incarnation: safeNumber(wire.incarnation, 'incarnation'),
    sequence: safeNumber(wire.sequence, 'sequence'),
    intervalMs: wire.intervalMs,
    total,
    free,
    prices,
    region: wire.region,
    labels: wire.labels,
    capabilities: wire.capabilities,
    version: wire.version,
    architecture: wire.architecture,
    addresses: wire.addresses,
    uptimeSeconds: safeNumber(wire.uptimeSeconds, 'uptime_seconds'),
    pausedReason: wire.pausedReason,
    impaired: wire.impaired,
    jobsCompleted: safeNumber(wire.jobsCompleted, 'jobs_completed'),
    jobsFailed: safeNumber(wire.jobsFailed, 'jobs_failed'),
    gpus: checkGpus(wire.gpus),
    measured: checkMeasured(wire.measured),
    hardware: checkHardware(wire.hardware),
    platforms: checkPlatforms('platforms', wire.platforms),
    emulatedPlatforms: checkPlatforms('emulated_platforms', wire.emulatedPlatforms),
    isolations: checkIsolations(wire.isolations),
  }
}

/** A request that is hours old, or from the future: it was said again, or one of two clocks is wrong. */
export class ClockOffError extends WireError {
  readonly requestId: Uint8Array
  /** How far the requester's clock is ahead, in ms; below 0 where it is behind. */
  readonly aheadMs: number

  constructor(requestId: Uint8Array, aheadMs: number) {
    super('STALE', 'The request is too old', { field: 'created_at_ms' })
    this.requestId = requestId
    this.aheadMs = aheadMs
  }
}

/** @throws {WireError} @throws {ClockOffError} where its time is hours away */
export function readRequest(bytes: Uint8Array, network: string, nowMs: number): CheckedRequest {
  const wire = decode(JobRequestSchema, bytes, MAX_GOSSIP_BYTES)
  checkNetwork(wire.network, network)
  checkRandomId('request_id', wire.requestId)
  const createdAtMs = safeNumber(wire.createdAtMs, 'created_at_ms')
  if (Math.abs(nowMs - createdAtMs) > MAX_CLOCK_DIFFERENCE_MS) {
    throw new ClockOffError(wire.requestId, createdAtMs - nowMs)
  }
  checkRange('bid_window_ms', wire.bidWindowMs, 1, MAX_BID_WINDOW_MS)
  checkRange('sample_per_million', wire.samplePerMillion, 1, 1_000_000)
  checkAddresses('addresses', wire.addresses)
  return {
    requestId: wire.requestId,
    requirements: readRequirements(wire.requirements),
    requirementsBytes: wire.requirements,
    bidWindowMs: wire.bidWindowMs,
    samplePerMillion: wire.samplePerMillion,
    addresses: wire.addresses,
    takesMinimumCharge: wire.takesMinimumCharge,
    takesVolumePrice: wire.takesVolumePrice,
    stamp: wire.stamp,
    traceparent: readTraceparent(wire.traceparent),
  }
}

/** @throws {WireError} */
export function readRequirements(bytes: Uint8Array): Requirements {
  const wire = decode(RequirementsSchema, bytes, MAX_GOSSIP_BYTES)
  const resources = fromWireResources(wire.resources)
  checkRange('cpu_millis', resources.cpuMillis, MIN_CPU_MILLIS, MAX_CPU_MILLIS)
  checkRange('memory_bytes', resources.memoryBytes, MIN_MEMORY_BYTES, MAX_BYTES)
  checkRange('storage_bytes', resources.storageBytes, 1, MAX_BYTES)
  checkRange('gpu', resources.gpu, 0, MAX_GPUS)
  checkRange('duration_seconds', wire.durationSeconds, 1, MAX_DURATION_SECONDS)
  if (!isImageReference(wire.image)) throw invalidField('image', 'must be an image reference')
  if (wire.maxPricePerHour !== undefined) checkPrice('max_price_per_hour', wire.maxPricePerHour)
  checkLine('region', wire.region)
  checkLabels('labels', wire.labels)
  checkLines('capabilities', wire.capabilities, MAX_CAPABILITIES, MAX_LABEL_LENGTH)
  if (wire.provider !== '') checkPeerId('provider', wire.provider)
  return {
    resources,
    image: wire.image,
    durationSeconds: wire.durationSeconds,
    maxPricePerHour: wire.maxPricePerHour ?? null,
    region: wire.region,
    labels: wire.labels,
    capabilities: wire.capabilities,
    minUptimeSeconds: wire.minUptimeSeconds,
    provider: wire.provider,
    minimums: checkFigures('minimums', wire.minimums),
    platforms: checkPlatforms('platforms', wire.platforms),
    imageDigest: checkImageDigest(wire.imageDigest),
    isolation: checkIsolation(wire.isolation),
    ...(wire.gpuRequirements === undefined ? {} : { gpuRequirements: checkGpuRequirements(wire.gpuRequirements) }),
    ...(wire.maxNetworkBytes === undefined ? {} : { maxNetworkBytes: checkTraffic(wire.maxNetworkBytes) }),
    ...(wire.keptVolumes.length === 0 ? {} : { keptVolumes: checkKept(wire.keptVolumes) }),
    ...(wire.blobs === undefined ? {} : { blobs: checkWanted(wire.blobs) }),
    ...(wire.imageBytes === 0n ? {} : { imageBytes: checkImageBytes(wire.imageBytes) }),
  }
}

/**
 * A bid that its provider signed. Whether it is for this peer, for a request of its own and within the price cap is the
 * caller's to see.
 *
 * @throws {WireError}
 */
export async function checkBid(statement: SignedStatement, network: string): Promise<Bid> {
  const { payload, signer } = await openStatement('bid', statement)
  const bid = decode(BidSchema, payload, MAX_BID_BYTES)
  checkNetwork(bid.network, network)
  checkSigner(bid.provider, signer)
  checkRandomId('request_id', bid.requestId)
  checkRandomId('bid_id', bid.bidId)
  checkDigest('requirements_digest', bid.requirementsDigest)
  checkPeerId('requester', bid.requester)
  checkPrice('price_per_hour', bid.pricePerHour)
  checkPrice('minimum_charge', bid.minimumCharge)
  checkPrice('price_per_gb', bid.pricePerGb)
  checkPrice('volume_per_gb_hour', bid.volumePerGbHour)
  checkRange('valid_for_ms', bid.validForMs, 1, MAX_BID_VALID_MS)
  fromWireResources(bid.free)
  if (bid.gpu !== undefined) checkGpu(bid.gpu)
  if (bid.platform !== '') checkPlatforms('platform', [bid.platform])
  checkImageDigest(bid.imageDigest)
  checkIsolation(bid.isolation)
  checkMissing('from_requester', bid.fromRequester)
  checkMissing('from_registry', bid.fromRegistry)
  safeNumber(bid.uptimeSeconds, 'uptime_seconds')
  return bid
}

/**
 * An award that its requester signed. Its job is another matter: see `checkWireJob`.
 *
 * @throws {WireError}
 */
export async function checkAward(statement: SignedStatement, network: string): Promise<Award> {
  const { payload, signer } = await openStatement('award', statement)
  const award = decode(AwardSchema, payload, MAX_AWARD_BYTES)
  checkNetwork(award.network, network)
  checkSigner(award.requester, signer)
  checkRandomId('request_id', award.requestId)
  checkRandomId('bid_id', award.bidId)
  checkDigest('requirements_digest', award.requirementsDigest)
  checkPeerId('provider', award.provider)
  if (!isJobId(award.jobId)) throw invalidField('job_id', 'must be a job id')
  if (award.fence < 1) throw invalidField('fence', 'starts at 1')
  checkPrice('price_per_hour', award.pricePerHour)
  checkPrice('minimum_charge', award.minimumCharge)
  checkPrice('price_per_gb', award.pricePerGb)
  checkPrice('volume_per_gb_hour', award.volumePerGbHour)
  checkOneOf('on_disconnect', award.onDisconnect, ['continue', 'stop'])
  const minTimeoutMs = award.onDisconnect === 'stop' ? MIN_LEASE_TIMEOUT_SECONDS * 1000 : 0
  checkRange('lease_timeout_ms', award.leaseTimeoutMs, minTimeoutMs, MAX_LEASE_TIMEOUT_SECONDS * 1000)
  checkAddresses('addresses', award.addresses)
  return award
}

/**
 * A receipt that one of its two sides signed, right in itself: the cost is what prices, minimum charge, time and traffic make.
 *
 * @throws {WireError}
 */
export async function checkReceipt(statement: SignedStatement): Promise<{ receipt: Receipt; signer: string }> {
  const { payload, signer } = await openStatement('receipt', statement)
  const receipt = decode(ReceiptSchema, payload, MAX_BID_BYTES)
  checkPeerId('requester', receipt.requester)
  checkPeerId('provider', receipt.provider)
  if (signer !== receipt.requester) checkSigner(receipt.provider, signer)
  if (!isJobId(receipt.jobId)) throw invalidField('job_id', 'must be a job id')
  if (receipt.fence < 1) throw invalidField('fence', 'starts at 1')
  checkDigest('requirements_digest', receipt.requirementsDigest)
  checkPrice('price_per_hour', receipt.pricePerHour)
  checkPrice('minimum_charge', receipt.minimumCharge)
  checkPrice('price_per_gb', receipt.pricePerGb)
  const networkBytes = safeNumber(receipt.networkBytes, 'network_bytes')
  const seconds = safeNumber(receipt.meteredSeconds, 'metered_seconds')
  if (receipt.costNanoUsd !== chargeOf(receipt, { seconds, networkBytes })) {
    throw invalidField(
      'cost_nano_usd',
      'must be the prices times the metered time and traffic, or the minimum charge where that is more',
    )
  }
  checkTime('started_at_ms', receipt.startedAtMs)
  checkTime('ended_at_ms', receipt.endedAtMs)
  checkLine('network', receipt.network)
  checkLine('outcome', receipt.outcome)
  return { receipt, signer }
}
