import { randomBytes } from 'node:crypto'
import type { Requirements } from '../../protocol/checks.ts'
import { encode, fromWireResources, requirementsDigest } from '../../protocol/codec.ts'
import { type Bid, type Decline, JobRequestSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { RANDOM_ID_BYTES } from '../../protocol/ids.ts'
import { isSampled, SAMPLE_ALL } from '../../protocol/sample.ts'
import { fits } from '../../protocol/units.ts'
import type { Clock } from '../clock.ts'
import type { Directory, ProviderView } from '../directory/index.ts'
import type { PeerNetwork } from '../network/index.ts'
import type { Attendance } from './attendance.ts'
import type { BidDesk } from './bid-desk.ts'
import { createBidWindow } from './bid-window.ts'
import type { Offer } from './ranking.ts'
import type { Reputation } from './reputation.ts'

/** How long bids are waited for at most, in ms. Range 50..60_000. @default 1_000 */
export const BID_WINDOW_MS = 1_000

/** About how many providers that fit are asked to answer; more add cost, not choice. @default 12 */
const SAMPLE_SIZE = 12

export interface RoundComponents {
  network: PeerNetwork
  networkName: string
  directory: Directory
  desk: BidDesk
  reputation: Reputation
  attendance: Attendance
  clock: Clock
}

/** A bid that may be awarded, until `expiresAtMs` on the monotonic clock. */
export interface LiveOffer extends Offer {
  bid: Bid
  addresses: string[]
  expiresAtMs: number
}

export interface RoundResult {
  requestId: Uint8Array
  digest: Uint8Array
  offers: LiveOffer[]
  declines: { provider: string; name: string; decline: Decline }[]
}

export interface RoundInit {
  requirements: Requirements
  requirementsBytes: Uint8Array
  /** 1 for the usual sample; larger asks more of the network. */
  widen: number
  windowMs: number
  signal: AbortSignal
}

/** Asks the network once, and answers what came within the window. */
export async function runRound(components: RoundComponents, init: RoundInit): Promise<RoundResult> {
  const { network, networkName, directory, desk, attendance, clock } = components
  const requestId = randomBytes(RANDOM_ID_BYTES)
  const digest = requirementsDigest(init.requirementsBytes)
  const samplePerMillion = sampleRate(directory, init)
  const asked = asksOf(directory, requestId, samplePerMillion, init)
  const awaited = new Set(asked.filter(attendance.isAwaited))
  const window = createBidWindow({ clock }, { expected: awaited, deadlineMs: init.windowMs, signal: init.signal })
  const result: RoundResult = { requestId, digest, offers: [], declines: [] }
  const close = desk.open(requestId, {
    digest,
    take({ provider, bid, decline }) {
      const view = directory.get(provider)
      if (bid === null) result.declines.push({ provider, name: view?.name ?? '', decline })
      else result.offers.push(toOffer(components, bid, view))
      attendance.came(provider)
      awaited.delete(provider)
      window.answered(provider)
    },
  })
  try {
    const request = encode(JobRequestSchema, {
      network: networkName,
      requestId,
      requirements: init.requirementsBytes,
      bidWindowMs: init.windowMs,
      samplePerMillion,
      addresses: network.addresses(),
      createdAtMs: BigInt(clock.nowMs()),
    })
    await network.publish('requests', request)
    const closed = await window.closed
    // A window cut short by the job's queueTimeout proves nothing.
    if (closed === 'deadline' && init.windowMs >= BID_WINDOW_MS) awaited.forEach(attendance.missed)
  } finally {
    close()
  }
  init.signal.throwIfAborted()
  return result
}

/** So many of a million that about {@link SAMPLE_SIZE} of those that fit answer; a provider asked by name always does. */
function sampleRate(directory: Directory, { requirements, widen }: RoundInit): number {
  if (requirements.provider !== '') return SAMPLE_ALL
  let fitting = 0
  for (const view of directory.list()) if (mayFit(view, requirements)) fitting += 1
  if (fitting <= SAMPLE_SIZE) return SAMPLE_ALL
  return Math.min(SAMPLE_ALL, Math.ceil(((SAMPLE_SIZE * widen) / fitting) * SAMPLE_ALL))
}

function mayFit(view: ProviderView, requirements: Requirements): boolean {
  return view.status === 'online' && view.pausedReason === '' && fits(requirements.resources, view.free)
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

function toOffer({ reputation, clock }: RoundComponents, bid: Bid, view: ProviderView | undefined): LiveOffer {
  return {
    bid,
    provider: bid.provider,
    name: view?.name ?? '',
    pricePerHour: bid.pricePerHour,
    free: fromWireResources(bid.free),
    total: view?.total ?? null,
    uptimeSeconds: Number(bid.uptimeSeconds),
    latencyMs: view?.latencyMs ?? null,
    trust: reputation.trust(bid.provider),
    addresses: view?.addresses ?? [],
    expiresAtMs: clock.monotonicMs() + bid.validForMs,
  }
}
