/** The real requester with its store, on a simulated clock, and a provider that says whatever a test has it say. */

import { randomBytes } from 'node:crypto'
import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { MemoryLevel } from 'memory-level'
import type { Directory } from '../../node/directory/index.ts'
import { silentLogger } from '../../node/logger.ts'
import type { FollowerTimes } from '../../node/market/leases/lease-follower.ts'
import { createRequester, type RunningRequester } from '../../node/market/requester.ts'
import type { Channel } from '../../node/network/index.ts'
import type { Database } from '../../node/store/database.ts'
import type { JobRecord, JobStore, Lease } from '../../node/store/index.ts'
import { openJobStore } from '../../node/store/job-store.ts'
import { leaseOf } from '../../node/store/records.ts'
import { createSecretBox } from '../../node/store/secret-box.ts'
import { RESTORED_KEY } from '../../node/store/tables.ts'
import { encode, requirementsDigest, toWireResources } from '../../protocol/codec.ts'
import {
  type Award,
  AwardMessageSchema,
  AwardReplySchema,
  AwardSchema,
  BidMessageSchema,
  BidSchema,
  type LeaseCommand,
  LeaseCommandSchema,
  LeaseHelloSchema,
  LeaseMessageSchema,
  ReceiptSchema,
  type ReportSchema,
  type SignedStatement,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { type JobSubmission, jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { readRequest } from '../../protocol/market-messages.ts'
import { chargeOf, type Terms } from '../../protocol/money.ts'
import { signStatement } from '../../protocol/statements.ts'
import { Protocol } from '../../protocol/topics.ts'
import { createMemoryHub, type MemoryHub, type MemoryPeer } from './memory-network.ts'
import { createSimClock, type SimClock } from './sim-clock.ts'
import { MARKET } from './test-requester.ts'

const NOBODY: Directory = { list: () => [], get: () => undefined, onChange: () => () => {} }

type LeaseContent = NonNullable<MessageInitShape<typeof LeaseMessageSchema>['content']>
export type ReportInit = NonNullable<MessageInitShape<typeof ReportSchema>['content']>
type ReceiptInit = MessageInitShape<typeof ReceiptSchema>

export interface LeaseRigInit {
  times?: Partial<FollowerTimes>
  terms?: Partial<Terms>
  /** The moment of the backup that the requester's store was restored from. @default it was not */
  restoredFromMs?: number
  /** How far the provider's clock is from the requester's, in ms. @default 0 */
  providerOffsetMs?: number
}

export interface LeaseRig {
  clock: SimClock
  hub: MemoryHub
  store: JobStore
  buyer: MemoryPeer
  seller: MemoryPeer
  /** Awards that the provider was given, oldest first. */
  awards: Award[]
  /** Streams on which the requester has attached, the newest last, and all that it said on them. */
  lines: { channel: Channel; commands: LeaseCommand[] }[]
  readonly requester: RunningRequester
  /** The provider's own time, ms since the epoch. */
  providerNow(): number
  /** Whether it bids at all. @default true */
  bidding(does: boolean): void
  /** Lets time go by in small steps until something is so. */
  when<T>(what: () => Promise<T | null | undefined | false> | T | null | undefined | false): Promise<T>
  /** A job that is placed, with the requester attached. */
  place(fields?: Partial<JobSubmission>, owner?: string): Promise<string>
  job(id: string): Promise<JobRecord>
  lease(id: string): Promise<Lease | null>
  /** Sends on the newest stream, and lets what follows happen. */
  say(content: LeaseContent): Promise<void>
  beat(meteredMs?: number, number?: number, networkBytes?: number): Promise<void>
  /** The next report of the lease, at the provider's time. */
  report(content: ReportInit, atMs?: number): Promise<void>
  reportAs(number: number, content: ReportInit, atMs?: number): Promise<void>
  /** The provider's half of a receipt that is right but for what `claim` says. */
  receipt(seconds: number, claim?: ReceiptInit): Promise<SignedStatement>
  /** What the requester signed, of all that it sent on lease streams. */
  signed(): SignedStatement[]
  /** Lets go of all jobs and takes them up again, as at a restart of the process. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export async function createLeaseRig(init: LeaseRigInit = {}): Promise<LeaseRig> {
  const { times = {}, providerOffsetMs = 0 } = init
  const terms = { pricePerHour: 3_600_000n, minimumCharge: 0n, pricePerGb: 0n, volumePerGbHour: 0n, ...init.terms }
  const clock = createSimClock()
  const hub = createMemoryHub({ clock })
  const buyer = await hub.join(1)
  const seller = await hub.join(2)
  // What the real one has beside: there is no room to win back here.
  const disk = Object.assign(new MemoryLevel<string, string>(), { compactRange: async () => undefined })
  const awards: Award[] = []
  const lines: { channel: Channel; commands: LeaseCommand[] }[] = []
  let bids = true
  let sequence = 0

  seller.network.subscribe('requests', {
    validate: () => 'accept',
    deliver(data, author) {
      if (!bids) return
      const request = readRequest(data, MARKET, clock.nowMs())
      void (async () => {
        const payload = encode(BidSchema, {
          ...{ network: MARKET, requestId: request.requestId, bidId: randomBytes(16) },
          requirementsDigest: requirementsDigest(request.requirementsBytes),
          ...{ provider: seller.network.peerId, requester: author, ...terms, validForMs: 60_000 },
          ...{ free: toWireResources(request.requirements.resources), uptimeSeconds: 1n },
        })
        const value = await signStatement('bid', payload, seller.privateKey)
        const channel = await seller.network.open(author, Protocol.bid, { maxMessageBytes: 64 * 1024 })
        await channel.send(encode(BidMessageSchema, { content: { case: 'bid', value } }))
        await channel.receive()
        await channel.close()
      })().catch(() => undefined) // the rig is stopping
    },
  })
  seller.network.handle(
    Protocol.award,
    async (channel) => {
      const bytes = await channel.receive()
      if (bytes === null) return
      const { content } = fromBinary(AwardMessageSchema, bytes)
      if (content.case === 'award') {
        awards.push(fromBinary(AwardSchema, content.value.payload))
        sequence = 0
        await channel.send(encode(AwardReplySchema, { accepted: true }))
      }
      await channel.close()
    },
    { maxMessageBytes: 2 ** 20 },
  )
  seller.network.handle(Protocol.lease, (channel) => take(channel), { maxMessageBytes: 2 ** 20 })

  async function take(channel: Channel): Promise<void> {
    const commands: LeaseCommand[] = []
    try {
      for (let first = true; ; first = false) {
        const bytes = await channel.receive()
        if (bytes === null) return
        if (first && lines.every((line) => line.channel !== channel) && !isCommand(bytes)) continue
        const command = fromBinary(LeaseCommandSchema, bytes)
        commands.push(command)
        if (command.content.case === 'attach') lines.push({ channel, commands })
      }
    } catch {
      // Broken is over, too.
    }
  }

  if (init.restoredFromMs !== undefined) await disk.put(RESTORED_KEY, String(init.restoredFromMs))
  const store = await openJobStore({
    database: disk as unknown as Database,
    secretBox: createSecretBox('key'),
    clock,
  })
  const parts = { network: buyer.network, privateKey: buyer.privateKey, networkName: MARKET, directory: NOBODY, store }
  let requester = createRequester({ ...parts, clock, logger: silentLogger }, { times })
  await requester.start()

  const rig: LeaseRig = {
    clock,
    hub,
    store,
    buyer,
    seller,
    awards,
    lines,
    providerNow: () => clock.nowMs() + providerOffsetMs,
    get requester() {
      return requester
    },
    bidding(does) {
      bids = does
    },

    async when(what) {
      for (let tries = 0; tries < 5_000; tries += 1) {
        const found = await what()
        if (found) return found
        await clock.advance(tries < 20 ? 0 : 10)
      }
      throw new Error('It never came to that')
    },

    async place(fields = {}, owner = 'local') {
      const spec = jobSubmissionSchema.parse({ image: 'busybox', duration: 60, maxAttempts: 1, ...fields })
      const count = lines.length
      const { job } = await requester.submit({ owner, spec })
      await rig.when(() => lines.length > count)
      return job.id
    },

    async job(id) {
      const job = await store.get(id)
      if (job === undefined) throw new Error(`There is no job ${id}`)
      return job
    },

    async lease(id) {
      return leaseOf(await rig.job(id))
    },

    async say(content) {
      const line = lines.at(-1)
      await line?.channel.send(encode(LeaseMessageSchema, { content })).catch(() => undefined)
      await turns()
    },

    async beat(meteredMs = 0, number = 1, networkBytes = 0) {
      await rig.say({
        case: 'heartbeat',
        value: { meteredMs: BigInt(meteredMs), number, networkBytes: BigInt(networkBytes) },
      })
    },

    async report(content, atMs = rig.providerNow()) {
      sequence += 1
      await rig.reportAs(sequence, content, atMs)
    },

    async reportAs(number, content, atMs = rig.providerNow()) {
      await rig.say({
        case: 'report',
        value: { sequence: BigInt(number), timestampMs: BigInt(Math.max(0, atMs)), content },
      })
    },

    async receipt(seconds, claim = {}) {
      const award = awards.at(-1)
      if (award === undefined) throw new Error('Nothing was awarded')
      const { network, jobId, fence, requester: to, provider, requirementsDigest: digest } = award
      const payload = encode(ReceiptSchema, {
        ...{ network, jobId, fence, requester: to, provider, requirementsDigest: digest, ...terms },
        ...{
          meteredSeconds: BigInt(seconds),
          costNanoUsd: chargeOf(terms, { seconds, networkBytes: Number(claim.networkBytes ?? 0n) }),
        },
        ...{ outcome: 'exited', exitCode: 0 },
        ...claim,
      })
      return await signStatement('receipt', payload, seller.privateKey)
    },

    signed() {
      return lines.flatMap(({ commands }) =>
        commands.flatMap(({ content }) =>
          content.case === 'ack' && content.value.receipt !== undefined ? [content.value.receipt] : [],
        ),
      )
    },

    async restart() {
      const old = requester
      const stopped = old.stop()
      await rig.when(async () => await Promise.race([stopped.then(() => true), clock.advance(10).then(() => false)]))
      requester = createRequester({ ...parts, clock, logger: silentLogger }, { times })
      await requester.start()
    },

    async stop() {
      const stopped = requester.stop()
      await rig.when(async () => await Promise.race([stopped.then(() => true), clock.advance(10).then(() => false)]))
      await store.close()
    },
  }
  return rig
}

/** Lets what was sent be heard and stored: nothing of that waits for time. */
async function turns(count = 12): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** The first message of whoever dialled is a hello; everything else is a command. */
function isCommand(bytes: Uint8Array): boolean {
  try {
    return fromBinary(LeaseHelloSchema, bytes).jobId === ''
  } catch {
    return true
  }
}
