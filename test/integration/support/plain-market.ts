/** What a {@link PlainPeer} says on the market: honest messages, of which a test spoils one thing. */

import { createHash, randomBytes } from 'node:crypto'
import { type DescMessage, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import {
  AnnouncementSchema,
  AwardMessageSchema,
  AwardSchema,
  type Bid,
  BidMessageSchema,
  BidReceivedSchema,
  BidSchema,
  JobRequestSchema,
  RequirementsSchema,
  type SignedStatement,
  SignedStatementSchema,
} from '../../../protocol/gen/cortex/v1/market_pb.js'
import { bytesOf, type Heard, type PlainPeer, readAs, WIRE } from './plain-peer.ts'

/** Fields that a test writes otherwise than an honest peer would. */
type Spoil<D extends DescMessage> = Omit<Exclude<MessageInitShape<D>, { $typeName: string }>, '$typeName'>

const ROOM = { cpuMillis: 64_000, memoryBytes: 1n << 36n, storageBytes: 1n << 40n, gpu: 0 }

/** Says that the peer sells, so that others expect its bids. */
export async function announce(
  peer: PlainPeer,
  network: string,
  spoil: Spoil<typeof AnnouncementSchema> = {},
): Promise<void> {
  const payload = bytesOf(AnnouncementSchema, {
    ...{ network, provider: peer.id, incarnation: 1n, sequence: 1n, intervalMs: 60_000 },
    ...{ total: ROOM, free: ROOM, name: 'mallory', version: '0', addresses: peer.addresses },
    ...spoil,
  })
  await peer.publish('announcements', toBinary(SignedStatementSchema, await peer.sign('announcement', payload)))
}

export interface HeardRequest {
  requester: string
  requestId: Uint8Array
  digest: Uint8Array
}

export function requestOf({ author, data }: Heard): HeardRequest {
  const { requestId, requirements } = fromBinary(JobRequestSchema, data)
  return { requester: author, requestId, digest: createHash('sha256').update(requirements).digest() }
}

/** A bid at next to nothing. */
export function bidFor(
  peer: PlainPeer,
  network: string,
  { requester, requestId, digest }: HeardRequest,
  spoil: Spoil<typeof BidSchema> = {},
): Uint8Array {
  return bytesOf(BidSchema, {
    ...{ network, requestId, requirementsDigest: digest, bidId: randomBytes(16), provider: peer.id, requester },
    ...{ pricePerHour: 1n, validForMs: 30_000, free: ROOM, uptimeSeconds: 1_000_000n },
    ...spoil,
  })
}

/** Sends a bid message; whether the requester took it. */
export async function deliverBid(peer: PlainPeer, requester: string, message: Uint8Array): Promise<boolean> {
  const wire = await peer.open(requester, WIRE.bid)
  try {
    await wire.write(message)
    await readAs(BidReceivedSchema, wire)
    return true
  } catch {
    return false // the stream was ended
  } finally {
    wire.unwrap().abort(new Error('done'))
  }
}

export async function bidMessage(peer: PlainPeer, bid: Uint8Array): Promise<Uint8Array> {
  return bytesOf(BidMessageSchema, { content: { case: 'bid', value: await peer.sign('bid', bid) } })
}

/** What a small job needs, and the job itself: an honest requester of another make. */
export interface PlainJob {
  jobId: string
  requestId: Uint8Array
  requirements: Uint8Array
  digest: Uint8Array
  job: NonNullable<MessageInitShape<typeof AwardSchema>['job']>
}

export function plainJob(image: string, script: string): PlainJob {
  const resources = { cpuMillis: 100, memoryBytes: 16n << 20n, storageBytes: 16n << 20n, gpu: 0 }
  const requirements = bytesOf(RequirementsSchema, { resources, image, durationSeconds: 60 })
  return {
    jobId: `job_${randomBytes(8).toString('hex')}`,
    requestId: randomBytes(16),
    requirements,
    digest: createHash('sha256').update(requirements).digest(),
    job: {
      ...{ image, command: ['sh', '-c'], args: [script], resources, durationSeconds: 60 },
      ...{ imagePullPolicy: 'Never', stopSignal: 'SIGTERM', stopGraceSeconds: 1, networkMode: 'none' },
    },
  }
}

/** Asks for a job, and answers the first bid. */
export async function askPlainly(peer: PlainPeer, network: string, plain: PlainJob): Promise<Bid> {
  const first = Promise.withResolvers<Bid>()
  await peer.answer(WIRE.bid, async (wire) => {
    const { content } = await readAs(BidMessageSchema, wire)
    if (content.case === 'bid') first.resolve(fromBinary(BidSchema, content.value.payload))
    else first.reject(new Error(`Declined: ${content.value?.message}`))
    await wire.write(bytesOf(BidReceivedSchema, {}))
    await wire.unwrap().close()
  })
  const request = bytesOf(JobRequestSchema, {
    ...{ network, requestId: plain.requestId, requirements: plain.requirements, addresses: peer.addresses },
    ...{ bidWindowMs: 1_000, samplePerMillion: 1_000_000, createdAtMs: BigInt(Date.now()) },
  })
  await peer.publish('requests', request)
  return await first.promise
}

export function awardFor(
  peer: PlainPeer,
  plain: PlainJob,
  bid: Pick<Bid, 'network' | 'requestId' | 'bidId' | 'provider' | 'pricePerHour'>,
  spoil: Spoil<typeof AwardSchema> = {},
): Uint8Array {
  const { network, requestId, bidId, provider, pricePerHour } = bid
  return bytesOf(AwardSchema, {
    ...{ network, requestId, bidId, provider, pricePerHour, requester: peer.id, jobId: plain.jobId, fence: 1 },
    ...{ requirementsDigest: plain.digest, job: plain.job, onDisconnect: 'continue', addresses: peer.addresses },
    ...spoil,
  })
}

export function awardMessage(statement: SignedStatement): Uint8Array {
  return bytesOf(AwardMessageSchema, { content: { case: 'award', value: statement } })
}
