/**
 * A hostile peer as a process of its own, written straight on libp2p: learns of the market by the gateway's directory,
 * then does what its {@link HostileTask} says until it is told `stop`, and answers what it got done. Tells `ready` first.
 */

import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { GOODBYE } from '../../node/directory/index.ts'
import {
  AnnouncementSchema,
  AwardMessageSchema,
  AwardReplySchema,
  BidMessageSchema,
  DirectoryReplySchema,
  DirectoryRequestSchema,
  JobRequestSchema,
  LeaseCommandSchema,
  LeaseHelloSchema,
  LeaseMessageSchema,
  RequirementsSchema,
  SignedStatementSchema,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import {
  announce,
  bidFor,
  bidMessage,
  deliverBid,
  type HeardRequest,
  requestOf,
} from '../../test/integration/support/plain-market.ts'
import { bytesOf, joinPlainly, readAs, WIRE } from '../../test/integration/support/plain-peer.ts'

export type HostileKind = 'refuse' | 'fail' | 'flood' | 'forge' | 'streams'

export interface HostileTask {
  network: string
  /** Multiaddr of the gateway's peer. */
  gateway: string
  image: string
  /** Honest sellers, which the gateway's directory is to know of. */
  sellers: string[]
  kinds: HostileKind[]
}

/** What an attacker got done. */
export interface Harm {
  /** At next to nothing. */
  lowBids: number
  refusedAwards: number
  /** Awards that were accepted, and failed. */
  failedJobs: number
  /** Over the topic, to all sellers at once. */
  gossipRequests: number
  /** To one seller each. */
  askRequests: number
  /** Bids that sellers made to it, and it awarded none of. */
  bidsWasted: number
  forged: number
  nonsenseStreams: number
  idleStreams: number
}

/** Between two steps of one attack against one victim, in ms. */
const PAUSE_MS = 100
/** What fits everywhere. */
const SMALL = { cpuMillis: 100, memoryBytes: 16n << 20n, storageBytes: 16n << 20n, gpu: 0 }

const task = JSON.parse(process.argv[2] ?? '') as HostileTask
const harm: Harm = {
  ...{ lowBids: 0, refusedAwards: 0, failedJobs: 0, gossipRequests: 0, askRequests: 0, bidsWasted: 0 },
  ...{ forged: 0, nonsenseStreams: 0, idleStreams: 0 },
}
const scope = new AbortController()
// Whoever started this is gone.
process.once('disconnect', () => process.exit(1))

const [gateway = '', addresses] = await findSellers()
const peer = await joinPlainly({ network: task.network, bootstrap: [task.gateway, ...addresses] })
const { kinds } = task
const sells = kinds.includes('refuse') || kinds.includes('fail')
if (sells) await sell()
const attacks = [
  ...(kinds.includes('flood') ? [repeat(floodAll), ...task.sellers.map((seller) => repeat(() => flood(seller)))] : []),
  ...(kinds.includes('forge') ? task.sellers.map((seller) => repeat(() => forge(seller))) : []),
  ...(kinds.includes('streams') ? [...task.sellers, gateway].map((victim) => repeat(() => confuse(victim))) : []),
]
process.send?.('ready')
await once(process, 'message')
scope.abort()
await Promise.all(attacks)
// Nobody is to expect bids of it any more.
if (sells) await announce(peer, task.network, { sequence: 2n, pausedReason: GOODBYE })
await delay(500)
process.send?.(harm, () => process.exit())

/** Who the gateway is, and where the sellers listen. */
async function findSellers(): Promise<[string, string[]]> {
  const scout = await joinPlainly({ network: task.network, bootstrap: [task.gateway] })
  try {
    const [gateway = ''] = scout.dialled
    const wire = await scout.open(gateway, WIRE.directory)
    await wire.write(bytesOf(DirectoryRequestSchema, { network: task.network }))
    const { entries } = await readAs(DirectoryReplySchema, wire)
    const known = entries.map(({ announcement }) =>
      fromBinary(AnnouncementSchema, announcement?.payload ?? new Uint8Array()),
    )
    const honest = known.filter(({ provider }) => task.sellers.includes(provider))
    return [gateway, honest.flatMap((seller) => seller.addresses.slice(0, 1))]
  } finally {
    await scout.stop()
  }
}

/** Offers all it is asked for at next to nothing, and keeps none of it. */
async function sell(): Promise<void> {
  const bid = async (request: HeardRequest): Promise<Uint8Array> => {
    harm.lowBids += 1
    return await bidMessage(peer, bidFor(peer, task.network, request))
  }
  peer.onGossip((heard) => {
    if (heard.topic !== 'requests' || heard.author !== gateway) return
    const request = requestOf(heard)
    bid(request)
      .then(async (message) => await deliverBid(peer, request.requester, message))
      .catch(() => undefined)
  })
  await peer.answer(WIRE.ask, async (wire, requester) => {
    const { requestId, requirements } = await readAs(JobRequestSchema, wire)
    const digest = createHash('sha256').update(requirements).digest()
    await wire.write(await bid({ requester, requestId, digest }))
  })
  await peer.answer(WIRE.award, async (wire) => {
    const { content } = await readAs(AwardMessageSchema, wire)
    if (content.case !== 'award') return
    const accepted = kinds.includes('fail')
    if (!accepted) harm.refusedAwards += 1
    const refusal = { code: 'BID_EXPIRED', message: 'Too late' }
    await wire.write(bytesOf(AwardReplySchema, accepted ? { accepted } : { accepted, ...refusal }))
    await wire.unwrap().close()
  })
  await peer.answer(WIRE.lease, async (wire) => {
    await readAs(LeaseHelloSchema, wire)
    await readAs(LeaseCommandSchema, wire)
    const endedAtMs = BigInt(Date.now())
    const ended = { outcome: 'failed', endedAtMs, failureCode: 'INTERNAL', message: 'It does not start' }
    const report = { sequence: 1n, timestampMs: endedAtMs, content: { case: 'ended', value: ended } } as const
    await wire.write(bytesOf(LeaseMessageSchema, { content: { case: 'report', value: report } }))
    harm.failedJobs += 1
  })
  await announce(peer, task.network)
}

/** Asks everybody, and lets what is bid lapse. */
async function floodAll(): Promise<void> {
  await peer.publish('requests', smallRequest())
  harm.gossipRequests += 1
}

async function flood(seller: string): Promise<void> {
  const wire = await peer.open(seller, WIRE.ask)
  try {
    await wire.write(smallRequest())
    harm.askRequests += 1
    const { content } = await readAs(BidMessageSchema, wire)
    if (content.case === 'bid') harm.bidsWasted += 1
  } finally {
    wire.unwrap().abort(new Error('Says neither yes nor no'))
  }
}

function smallRequest(): Uint8Array {
  const requirements = bytesOf(RequirementsSchema, { resources: SMALL, image: task.image, durationSeconds: 60 })
  return bytesOf(JobRequestSchema, {
    ...{ network: task.network, requestId: randomBytes(16), requirements, addresses: peer.addresses },
    ...{ bidWindowMs: 1_000, samplePerMillion: 1_000_000, createdAtMs: BigInt(Date.now()) },
  })
}

/** Announces a seller's end in the seller's name. */
async function forge(seller: string): Promise<void> {
  const fields: MessageInitShape<typeof AnnouncementSchema> = {
    ...{ network: task.network, provider: seller, incarnation: 2n ** 45n, sequence: 1n, intervalMs: 60_000 },
    pausedReason: GOODBYE,
  }
  const statement = await peer.sign('announcement', bytesOf(AnnouncementSchema, fields))
  await peer.publish('announcements', toBinary(SignedStatementSchema, statement))
  harm.forged += 1
}

/** One stream of nonsense, and two that stay open for nothing. */
async function confuse(victim: string): Promise<void> {
  const nonsense = await peer.open(victim, victim === gateway ? WIRE.bid : WIRE.award)
  await nonsense.write(randomBytes(64))
  harm.nonsenseStreams += 1
  for (const protocol of victim === gateway ? [WIRE.bid, WIRE.directory] : [WIRE.lease, WIRE.ask]) {
    await peer.open(victim, protocol)
    harm.idleStreams += 1
  }
}

/** Again and again; what is refused is tried again. */
async function repeat(attack: () => Promise<void>): Promise<void> {
  while (!scope.signal.aborted) {
    await Promise.race([attack().catch(() => undefined), delay(1_000)])
    await delay(PAUSE_MS)
  }
}
