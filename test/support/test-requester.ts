/** The other side of a provider, one message at a time: asks, hears bids, awards, follows. Decides nothing by itself. */

import { randomBytes } from 'node:crypto'
import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf'
import type { Clock } from '../../node/clock.ts'
import type { Channel } from '../../node/network/index.ts'
import { encode, requirementsDigest } from '../../protocol/codec.ts'
import {
  AwardMessageSchema,
  type AwardReply,
  AwardReplySchema,
  AwardSchema,
  type Bid,
  BidMessageSchema,
  BidReceivedSchema,
  type Decline,
  JobRequestSchema,
  LeaseCommandSchema,
  LeaseHelloSchema,
  type LeaseMessage,
  LeaseMessageSchema,
  type Report,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { newJobId } from '../../protocol/ids.ts'
import { type JobSubmission, jobSubmissionSchema, splitSecrets } from '../../protocol/job-spec.ts'
import { encodedRequirements, jobToWire } from '../../protocol/job-wire.ts'
import { checkBid } from '../../protocol/market-messages.ts'
import { signStatement } from '../../protocol/statements.ts'
import { Protocol } from '../../protocol/topics.ts'
import type { MemoryPeer } from './memory-network.ts'

export const MARKET = 'test'

export type Answer = { provider: string; bid: Bid; decline: null } | { provider: string; bid: null; decline: Decline }

type AwardInit = MessageInitShape<typeof AwardSchema>
type CommandContent = NonNullable<MessageInitShape<typeof LeaseCommandSchema>['content']>

/** One job that was asked for. */
export interface Asked {
  jobId: string
  requestId: Uint8Array
  /** Bytes of the request as they were published. */
  request: Uint8Array
  digest: Uint8Array
  job: NonNullable<AwardInit['job']>
  onDisconnect: 'continue' | 'stop'
  leaseTimeoutMs: number
  /** The next answer, in the order of arrival. */
  answer(): Promise<Answer>
  answers: Answer[]
}

export interface Follow {
  readonly channel: Channel
  /** Reports so far, in the order of arrival. */
  readonly reports: Report[]
  readonly messages: LeaseMessage[]
  /** Resolves with the first message, past or future, that is asked for; rejects when the stream ends first. */
  message(which: (message: LeaseMessage) => boolean): Promise<LeaseMessage>
  /** As {@link Follow.message}, for reports of a kind. */
  report<C extends NonNullable<Report['content']['case']>>(
    kind: C,
  ): Promise<Extract<Report['content'], { case: C }>['value']>
  command(content: CommandContent): Promise<void>
  ack(sequence: number | bigint): Promise<void>
  /** Resolves when the stream is over. */
  readonly over: Promise<void>
}

export interface FollowInit {
  /** Answers no heartbeats. @default false */
  silent?: boolean
}

export type TestRequester = ReturnType<typeof createTestRequester>

export function createTestRequester({ peer, clock }: { peer: MemoryPeer; clock: Clock }) {
  const { network, privateKey } = peer
  const rounds = new Map<string, { answers: Answer[]; arrived: PromiseWithResolvers<void> }>()
  /** Streams that providers opened. */
  const calls: Channel[] = []
  let called = Promise.withResolvers<void>()

  network.handle(
    Protocol.bid,
    async (channel, provider) => {
      const bytes = await channel.receive()
      if (bytes === null) return
      const { content } = fromBinary(BidMessageSchema, bytes)
      if (content.case === 'bid') {
        const bid = await checkBid(content.value, MARKET)
        take({ provider, bid, decline: null }, bid.requestId)
      } else if (content.case === 'decline') {
        take({ provider, bid: null, decline: content.value }, content.value.requestId)
      }
      await channel.send(encode(BidReceivedSchema, {}))
      await channel.close()
    },
    { maxMessageBytes: 64 * 1024, maxInboundStreams: 1_000 },
  )
  network.handle(
    Protocol.lease,
    async (channel) => {
      calls.push(channel)
      called.resolve()
      called = Promise.withResolvers()
    },
    { maxMessageBytes: 2 ** 20, maxInboundStreams: 1_000 },
  )

  function take(answer: Answer, requestId: Uint8Array): void {
    const round = rounds.get(hex(requestId))
    if (round === undefined) return
    round.answers.push(answer)
    round.arrived.resolve()
    round.arrived = Promise.withResolvers()
  }

  return {
    peer,
    network,

    /** Publishes a request for a job; `{ image }` and small amounts where nothing is said. */
    async ask(
      submission: Partial<JobSubmission> = {},
      wire: MessageInitShape<typeof JobRequestSchema> = {},
    ): Promise<Asked> {
      const small = { image: 'busybox', cpu: 1000, memory: '64Mi', storage: '1Gi', duration: 60 }
      const { spec, secrets } = splitSecrets(jobSubmissionSchema.parse({ ...small, ...submission }))
      const requirements = encodedRequirements(spec)
      const requestId = randomBytes(16)
      const round = { answers: [] as Answer[], arrived: Promise.withResolvers<void>() }
      rounds.set(hex(requestId), round)
      const request = encode(JobRequestSchema, {
        network: MARKET,
        requestId,
        requirements,
        bidWindowMs: 1_000,
        samplePerMillion: 1_000_000,
        addresses: network.addresses(),
        createdAtMs: BigInt(clock.nowMs()),
        takesMinimumCharge: true,
        takesVolumePrice: true,
        ...wire,
      })
      await network.publish('requests', request)
      let next = 0
      return {
        jobId: newJobId(clock.nowMs()),
        requestId,
        request,
        digest: requirementsDigest(requirements),
        job: jobToWire(spec, secrets),
        onDisconnect: spec.onDisconnect,
        leaseTimeoutMs: spec.leaseTimeout * 1000,
        answers: round.answers,
        async answer() {
          while (round.answers.length <= next) await round.arrived.promise
          next += 1
          return round.answers[next - 1] as Answer
        },
      }
    },

    /** Awards a bid; `changes` are what a liar would write. */
    async award(asked: Asked, bid: Bid, changes: AwardInit = {}): Promise<AwardReply> {
      const { provider } = bid
      return await this.sendAward(provider, await this.signAward(asked, bid, changes))
    },

    async signAward(asked: Asked, bid: Bid, changes: AwardInit = {}) {
      const award = {
        network: MARKET,
        requestId: asked.requestId,
        bidId: bid.bidId,
        requirementsDigest: asked.digest,
        requester: network.peerId,
        provider: bid.provider,
        jobId: asked.jobId,
        fence: 1,
        pricePerHour: bid.pricePerHour,
        minimumCharge: bid.minimumCharge,
        pricePerGb: bid.pricePerGb,
        volumePerGbHour: bid.volumePerGbHour,
        job: asked.job,
        onDisconnect: asked.onDisconnect,
        leaseTimeoutMs: asked.leaseTimeoutMs,
        addresses: network.addresses(),
        ...changes,
      } as AwardInit
      return await signStatement('award', encode(AwardSchema, award), privateKey)
    },

    async sendAward(provider: string, statement: Awaited<ReturnType<typeof signStatement>>): Promise<AwardReply> {
      const channel = await network.open(provider, Protocol.award, { maxMessageBytes: 64 * 1024 })
      await channel.send(encode(AwardMessageSchema, { content: { case: 'award', value: statement } }))
      const bytes = await channel.receive()
      if (bytes === null) throw new Error('The provider closed without an answer')
      await channel.close()
      return fromBinary(AwardReplySchema, bytes)
    },

    async release(bid: Pick<Bid, 'provider' | 'requestId' | 'bidId'>): Promise<void> {
      const { requestId, bidId } = bid
      const channel = await network.open(bid.provider, Protocol.award, { maxMessageBytes: 64 * 1024 })
      await channel.send(encode(AwardMessageSchema, { content: { case: 'release', value: { requestId, bidId } } }))
      await channel.close()
      await channel.receive()
    },

    /** Dials for a lease and attaches after a report. */
    async follow(provider: string, jobId: string, fence = 1, after = 0, how: FollowInit = {}): Promise<Follow> {
      const channel = await network.open(provider, Protocol.lease, { maxMessageBytes: 2 ** 20 })
      await channel.send(encode(LeaseHelloSchema, { jobId, fence }))
      return await attach(channel, after, how)
    },

    /** Waits for the provider to dial, and answers which lease it calls with. */
    async called(): Promise<{ jobId: string; fence: number; channel: Channel }> {
      while (calls.length === 0) await called.promise
      const channel = calls.shift() as Channel
      const bytes = await channel.receive()
      if (bytes === null) return await this.called()
      const { jobId, fence } = fromBinary(LeaseHelloSchema, bytes)
      return { jobId, fence, channel }
    },

    attach,
  }
}

/** Attaches on a stream whose lease is named already. */
export async function attach(channel: Channel, after: number, { silent = false }: FollowInit = {}): Promise<Follow> {
  const messages: LeaseMessage[] = []
  let arrived = Promise.withResolvers<void>()
  let ended = false
  const follow: Follow = {
    channel,
    messages,
    over: Promise.resolve(),
    get reports() {
      return messages.flatMap(({ content }) => (content.case === 'report' ? [content.value] : []))
    },
    async message(which) {
      for (;;) {
        const found = messages.find(which)
        if (found !== undefined) return found
        if (ended) throw new Error('The stream ended before such a message came')
        await arrived.promise
      }
    },
    async report(kind) {
      const { content } = await follow.message(
        ({ content }) => content.case === 'report' && content.value.content.case === kind,
      )
      return (content.value as Report).content.value as never
    },
    command: async (content) => await channel.send(encode(LeaseCommandSchema, { content })),
    ack: async (sequence) => await follow.command({ case: 'ack', value: { sequence: BigInt(sequence) } }),
  }
  const reading = async (): Promise<void> => {
    try {
      for (let bytes = await channel.receive(); bytes !== null; bytes = await channel.receive()) {
        const message = fromBinary(LeaseMessageSchema, bytes)
        messages.push(message)
        if (message.content.case === 'heartbeat' && !silent) {
          await follow.command({ case: 'heartbeat', value: { number: message.content.value.number } })
        }
        arrived.resolve()
        arrived = Promise.withResolvers()
      }
    } catch {
      // Broken is over, too.
    }
    ended = true
    arrived.resolve()
  }
  await follow.command({ case: 'attach', value: { afterSequence: BigInt(after) } })
  return Object.defineProperty(follow, 'over', { value: reading() })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
