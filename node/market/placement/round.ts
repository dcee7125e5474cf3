import { randomBytes } from 'node:crypto'
import { encode, fromWireResources, requirementsDigest } from '../../../protocol/codec.ts'
import { type Bid, JobRequestSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { checkGpu } from '../../../protocol/gpu-wire.ts'
import type { GpuModel } from '../../../protocol/gpus.ts'
import { RANDOM_ID_BYTES } from '../../../protocol/ids.ts'
import type { ProviderStrategy } from '../../../protocol/job-spec.ts'
import type { Requirements } from '../../../protocol/market-messages.ts'
import { isSampled, SAMPLE_ALL } from '../../../protocol/sample.ts'
import type { Clock } from '../../clock.ts'
import type { Directory, ProviderView } from '../../directory/index.ts'
import type { Logger } from '../../logger.ts'
import type { PeerNetwork } from '../../network/index.ts'
import type { NamedDecline } from '../bids/answer.ts'
import { ask, finish } from '../bids/ask.ts'
import type { Attendance } from '../bids/attendance.ts'
import type { BidDesk } from '../bids/bid-desk.ts'
import { type BidWindow, createBidWindow, type WindowEnd } from '../bids/bid-window.ts'
import { findsClockOff } from '../bids/clocks-off.ts'
import { chooseInvited, isSuitable } from '../bids/invitation.ts'
import type { Offer } from '../bids/ranking.ts'
import type { Stamps } from '../bids/stamps.ts'
import { STRANGERS, type WaitedFor, waitedFor } from '../bids/waited-for.ts'
import { type Waiting, waitingOf } from '../bids/waiting.ts'
import type { Reputation } from '../reputation/reputation.ts'
import type { Speeds } from '../reputation/speeds.ts'
import type { Starts } from '../reputation/starts.ts'
import type { Tally } from '../tally.ts'
import { releaseBid } from './award.ts'

/** How long bids are waited for at most, in ms. Range 50..60_000. @default 1_000 */
export const BID_WINDOW_MS = 1_000

/** About how many providers that fit are asked to answer; more add cost, not choice. @default 12 */
const SAMPLE_SIZE = 12

/**
 * Suitable providers that the directory must know for a round to ask them one by one. With fewer the network is small, or
 * this node new to it: then everyone is asked, which costs little and finds those not heard of yet.
 */
const MIN_INVITED = 5

/** Beyond this widening everyone is asked, by broadcast: the directory may be wrong about many. */
const MAX_WIDEN_INVITED = 4

/** What {@link runRound} works with. */
export interface RoundComponents {
  network: PeerNetwork
  networkName: string
  directory: Directory
  desk: BidDesk
  reputation: Reputation
  speeds: Pick<Speeds, 'believed'>
  starts: Pick<Starts, 'believedMs' | 'placed'>
  attendance: Attendance
  tally: Tally
  stamps: Stamps
  clock: Clock
  logger: Logger
}

/** A bid that may be awarded, until `expiresAtMs` on the monotonic clock. */
export interface LiveOffer extends Offer {
  bid: Bid
  /** Which GPUs the job would have; null where it is not told. */
  gpu: GpuModel | null
  /** As what its image would run; empty where it is not told. */
  platform: string
  /** Which walls the job would have around it; empty where it is not told. */
  isolation: string
  /** What it says of the data that the job needs. */
  waiting: Waiting
  addresses: string[]
  expiresAtMs: number
  /** Lets go of the bid when the round is decided. @param answered whether the provider has answered an award of it, and so knows */
  letGo(answered: boolean): void
}

/** What came within the window. Whoever has it lets go of every offer once the round is decided. */
export interface RoundResult {
  requestId: Uint8Array
  /** Of the requirements that were asked for. */
  digest: Uint8Array
  offers: LiveOffer[]
  declines: NamedDecline[]
  /** Peer ids of those who were asked and had not answered when it was closed. */
  unanswered: string[]
}

/** What is asked for in one round, and how. */
export interface RoundInit {
  requirements: Requirements
  /** The same, encoded: bids and awards commit to their digest. */
  requirementsBytes: Uint8Array
  strategy: ProviderStrategy
  /** In whose eyes providers are believed. @default in everybody's */
  owner?: string
  /** 1 for the usual sample; larger asks more of the network. */
  widen: number
  /** How long answers are waited for at most, in ms. */
  windowMs: number
  /** Whether everybody is to be heard who answers in time, however much later than the others. @default false */
  isPatient?: boolean
  /** Told to the providers; empty where nothing is traced. @default "" */
  traceparent?: string
  signal: AbortSignal
}

/**
 * Asks for bids once, and answers what came within the window: of providers that the directory knows to be suitable, each
 * over a stream of its own, so that a job costs the same however large the network is; of everyone, by broadcast, where it
 * knows too few, or where those brought nothing.
 */
export async function runRound(components: RoundComponents, init: RoundInit): Promise<RoundResult> {
  const connected = new Set(components.network.peers())
  const invited = invitedTo(components, init, connected)
  const result = invited.length < MIN_INVITED ? null : await askInvited(components, init, invited, connected)
  init.signal.throwIfAborted()
  if (result !== null) return result
  components.tally.count('broadcast')
  return await askEveryone(components, init)
}

function invitedTo(components: RoundComponents, init: RoundInit, connected: ReadonlySet<string>): ProviderView[] {
  const { directory, reputation, speeds, attendance } = components
  const { requirements, strategy, widen } = init
  if (requirements.provider !== '' || widen > MAX_WIDEN_INVITED) return []
  const trust = (provider: string): number => reputation.trust(provider, init.owner)
  const { isAwaited } = attendance
  const isConnected = (provider: string): boolean => connected.has(provider)
  return chooseInvited(directory.list(), {
    requirements,
    strategy,
    count: SAMPLE_SIZE * widen,
    trust,
    isAwaited,
    isConnected,
    figures: ({ provider, measured }) => speeds.believed(provider, measured, init.owner),
  })
}

/** Null where none of them could be reached. */
async function askInvited(
  components: RoundComponents,
  init: RoundInit,
  invited: ProviderView[],
  connected: ReadonlySet<string>,
): Promise<RoundResult | null> {
  const { attendance, clock, tally, logger } = components
  const result = begin(init)
  const { requestId, digest } = result
  const request = await requestOf(components, init, requestId, SAMPLE_ALL)
  const { asked, near } = callOn(invited, connected)
  const waited = whomToAwait(
    components,
    near.map(({ provider }) => provider),
    init,
  )
  const { awaited } = waited
  const closesMs = clock.monotonicMs() + init.windowMs
  const window = openWindow(components, init, waited, init.isPatient !== true)
  let end: WindowEnd | null = null
  let reached = 0
  // Of those whom a hurried window did not wait for, only time tells.
  const isHurried = (): boolean => end === 'enough' && init.windowMs >= BID_WINDOW_MS
  const askOne = async (view: ProviderView): Promise<void> => {
    const { provider, addresses } = view
    try {
      const timeoutMs = 2 * init.windowMs
      const answer = await ask(components, {
        ...{ provider, addresses, request, requestId, digest, timeoutMs, signal: init.signal },
      })
      const letGo = (): void => void finish(components, answer.channel)
      if (end !== null || answer.bid === null) letGo()
      if (clock.monotonicMs() < closesMs) attendance.came(provider)
      else if (isHurried()) attendance.missed(provider)
      if (end !== null) return
      reached += 1
      if (answer.bid === null) result.declines.push({ provider, name: view.name, decline: answer.decline })
      else result.offers.push(toOffer(components, init, answer.bid, view, letGo))
    } catch (error) {
      logger.debug({ provider, error }, 'a provider did not answer a question')
      const counts = end === null || (isHurried() && awaited.has(provider))
      // A peer without any connection has lost its own.
      if (counts && !init.signal.aborted && connected.size > 0) attendance.missed(provider)
    }
    awaited.delete(provider)
    window.answered(provider)
  }
  tally.count('asked', asked.length)
  for (const view of asked) void askOne(view)
  end = await closed(components, init, window, connected.size > 0 ? awaited : [], result)
  tellUnanswered(
    result,
    asked.map(({ provider }) => provider),
  )
  return reached > 0 || awaited.size > 0 ? result : null
}

/**
 * Whom to ask now, and who of them is waited for: all, or those that are connected where they are enough. Of the others
 * two are asked then, to be connected for the next job: the one that announces the best offer, and one drawn by lot. More
 * handshakes would cost a job more than it costs itself, for bids that come too late for it.
 */
function callOn(invited: ProviderView[], connected: ReadonlySet<string>) {
  const near = invited.filter(({ provider }) => connected.has(provider))
  if (near.length < MIN_INVITED) return { asked: invited, near: invited }
  const far = invited.filter(({ provider }) => !connected.has(provider))
  return { asked: [...near, ...new Set([...far.slice(0, 1), ...far.slice(-1)])], near }
}

async function askEveryone(components: RoundComponents, init: RoundInit): Promise<RoundResult> {
  const { network, directory, desk, attendance, logger } = components
  const result = begin(init)
  const { requestId, digest } = result
  const samplePerMillion = sampleRate(directory, init)
  const asked = asksOf(directory, requestId, samplePerMillion, init)
  const waited = whomToAwait(components, asked, init)
  const { awaited } = waited
  const request = await requestOf(components, init, requestId, samplePerMillion)
  const window = openWindow(components, init, waited)
  const close = desk.open(requestId, {
    digest,
    take({ provider, bid, decline }) {
      const view = directory.get(provider)
      const letGo = (answered: boolean): void => {
        if (bid === null || answered) return
        releaseBid(network, bid).catch((error) => {
          logger.debug({ provider, error }, 'could not release a bid; it expires by itself')
        })
      }
      if (bid === null) result.declines.push({ provider, name: view?.name ?? '', decline })
      else result.offers.push(toOffer(components, init, bid, view, letGo))
      attendance.came(provider)
      awaited.delete(provider)
      window.answered(provider)
    },
  })
  try {
    connectWith(components, init, asked)
    await network.publish('requests', request)
    await closed(components, init, window, awaited, result)
    tellUnanswered(result, asked)
  } finally {
    close()
  }
  init.signal.throwIfAborted()
  return result
}

/**
 * Whoever hears the request over others may not be able to dial this peer, behind a router: it answers on a connection
 * that is made from here. Of those that are asked the ones that would bid come first.
 */
function connectWith(components: RoundComponents, { requirements, signal }: RoundInit, asked: string[]): void {
  const { network, directory, logger } = components
  const connected = new Set(network.peers())
  const far = asked.filter((provider) => !connected.has(provider)).flatMap((provider) => directory.get(provider) ?? [])
  const suitable = far.filter((view) => isSuitable(view, requirements))
  for (const { provider, addresses } of [...suitable, ...far.filter((view) => !suitable.includes(view))].slice(
    0,
    SAMPLE_SIZE,
  )) {
    network.connect(provider, { addresses, signal }).catch((error) => {
      if (!signal.aborted) logger.debug({ provider, error: String(error) }, 'could not dial a provider that is asked')
    })
  }
}

/** Whose answers the window stays open for; where it is patient, those of all. */
function whomToAwait(components: RoundComponents, asked: string[], { isPatient, owner }: RoundInit): WaitedFor {
  if (isPatient === true) return { awaited: new Set(asked), leading: new Set() }
  return waitedFor(components, asked.filter(components.attendance.isAwaited), owner)
}

function tellUnanswered(result: RoundResult, asked: string[]): void {
  const answered = new Set([...result.offers, ...result.declines].map(({ provider }) => provider))
  result.unanswered = asked.filter((provider) => !answered.has(provider))
}

function begin(init: RoundInit): RoundResult {
  const digest = requirementsDigest(init.requirementsBytes)
  return { requestId: randomBytes(RANDOM_ID_BYTES), digest, offers: [], declines: [], unanswered: [] }
}

async function requestOf(
  { network, networkName, clock, stamps }: RoundComponents,
  init: RoundInit,
  requestId: Uint8Array,
  samplePerMillion: number,
): Promise<Uint8Array> {
  return encode(JobRequestSchema, {
    network: networkName,
    requestId,
    requirements: init.requirementsBytes,
    bidWindowMs: init.windowMs,
    samplePerMillion,
    addresses: network.addresses(),
    createdAtMs: BigInt(clock.nowMs()),
    takesMinimumCharge: true,
    takesVolumePrice: true,
    stamp: await stamps.make(requestId),
    traceparent: init.traceparent ?? '',
  })
}

function openWindow(
  { clock }: RoundComponents,
  { windowMs, signal }: RoundInit,
  { awaited, leading }: WaitedFor,
  hurries = false,
): BidWindow {
  return createBidWindow({ clock }, { expected: awaited, leading, deadlineMs: windowMs, signal, hurries })
}

async function closed(
  { attendance, tally, stamps, logger }: RoundComponents,
  init: RoundInit,
  window: BidWindow,
  awaited: Iterable<string>,
  { offers, declines }: RoundResult,
): Promise<WindowEnd> {
  const how = await window.closed
  tally.count('bid', offers.length)
  tally.count('declined', declines.length)
  const off = declines.find(findsClockOff)
  if (off !== undefined) logger.warn({ provider: off.provider, says: off.decline.message }, 'a clock is off')
  stamps.heard(
    declines.map(({ decline }) => decline),
    offers.length + declines.length,
  )
  if (how === 'deadline') tally.count('unanswered', [...awaited].length)
  // A window cut short by the job's queueTimeout proves nothing.
  if (init.windowMs < BID_WINDOW_MS) return how
  if (how === 'deadline') for (const provider of awaited) attendance.missed(provider)
  if (window.heldUp()) attendance.missed(STRANGERS)
  return how
}

/** So many of a million that about {@link SAMPLE_SIZE} of those that fit answer; a provider asked by name always does. */
function sampleRate(directory: Directory, { requirements, widen }: RoundInit): number {
  if (requirements.provider !== '') return SAMPLE_ALL
  let fitting = 0
  for (const view of directory.list()) if (isSuitable(view, requirements)) fitting += 1
  if (fitting <= SAMPLE_SIZE) return SAMPLE_ALL
  return Math.min(SAMPLE_ALL, Math.ceil(((SAMPLE_SIZE * widen) / fitting) * SAMPLE_ALL))
}

/** Everyone the directory knows to be up and asked: each answers, with a bid or a decline. */
function asksOf(directory: Directory, requestId: Uint8Array, rate: number, init: RoundInit): string[] {
  const { provider: wanted } = init.requirements
  return directory
    .list()
    .filter(({ status }) => status === 'online')
    .map(({ provider }) => provider)
    .filter((provider) => (wanted === '' ? isSampled(requestId, provider, rate) : provider === wanted))
}

function toOffer(
  { reputation, speeds, starts, clock }: RoundComponents,
  { owner, requirements }: RoundInit,
  bid: Bid,
  view: ProviderView | undefined,
  letGo: LiveOffer['letGo'],
): LiveOffer {
  const waiting = waitingOf(requirements, bid)
  return {
    bid,
    ...{ waiting, missingBytes: waiting.mostMs === 0 ? null : waiting.missingBytes },
    waitMs: starts.believedMs(bid.provider, waiting.saidMs, owner),
    gpu: bid.gpu === undefined ? null : checkGpu(bid.gpu),
    ...{ platform: bid.platform, emulated: bid.emulated, holdsImage: bid.imageDigest !== '' },
    isolation: bid.isolation,
    provider: bid.provider,
    name: view?.name ?? '',
    pricePerHour: bid.pricePerHour,
    minimumCharge: bid.minimumCharge,
    pricePerGb: bid.pricePerGb,
    volumePerGbHour: bid.volumePerGbHour,
    free: fromWireResources(bid.free),
    total: view?.total ?? null,
    uptimeSeconds: Number(bid.uptimeSeconds),
    latencyMs: view?.latencyMs ?? null,
    trust: reputation.trust(bid.provider, owner),
    figures: speeds.believed(bid.provider, view?.measured ?? null, owner),
    addresses: view?.addresses ?? [],
    expiresAtMs: clock.monotonicMs() + bid.validForMs,
    letGo,
  }
}
