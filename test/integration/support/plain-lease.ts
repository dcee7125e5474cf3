/** A {@link PlainPeer}'s end of a lease: it takes jobs, and says of them what a test likes, which need not be so. */

import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf'
import {
  type Award,
  AwardMessageSchema,
  AwardReplySchema,
  AwardSchema,
  JobRequestSchema,
  LeaseCommandSchema,
  LeaseHelloSchema,
  LeaseMessageSchema,
  ReceiptSchema,
  type Requirements,
  RequirementsSchema,
} from '../../../protocol/gen/cortex/v1/market_pb.js'
import { chargeOf, type Terms } from '../../../protocol/money.ts'
import { announce, bidFor, bidMessage, deliverBid, requestOf } from './plain-market.ts'
import { bytesOf, joinPlainly, type PlainPeer, readAs, WIRE, type Wire } from './plain-peer.ts'

type LeaseContent = NonNullable<MessageInitShape<typeof LeaseMessageSchema>['content']>
type ReportContent = NonNullable<Extract<LeaseContent, { case: 'report' }>['value']['content']>
type EndedReport = Extract<ReportContent, { case: 'ended' }>['value']
export type ReceiptInit = Omit<Exclude<MessageInitShape<typeof ReceiptSchema>, { $typeName: string }>, '$typeName'>

/** One lease stream on which the requester has attached. */
export interface PlainLease {
  readonly award: Award
  /** 1 for the first stream of this lease. */
  readonly stream: number
  say(content: LeaseContent): Promise<void>
  /** Under the next number. */
  report(content: ReportContent): Promise<void>
  started(): Promise<void>
  /** The last report, under a receipt of so many seconds. @param claim what the receipt says otherwise than agreed */
  ended(seconds: number, claim?: ReceiptInit, how?: Omit<EndedReport, '$typeName'>): Promise<void>
}

export interface PlainSellerInit extends Terms {
  /** Whether it bids for a job. */
  takes(requirements: Requirements, peer: PlainPeer): boolean
  /** What it does on a lease stream; what it throws ends the stream. */
  lease(line: PlainLease): Promise<void>
}

/** Joins a market as a provider that accepts every award, and announces itself. */
export async function sellPlainly(
  market: { network: string; bootstrap: string[] },
  init: PlainSellerInit,
): Promise<PlainPeer> {
  const { pricePerHour, minimumCharge } = init
  const peer = await joinPlainly(market)
  const leases = new Map<string, { award: Award; streams: number }>()
  await peer.answer(WIRE.award, async (wire) => {
    const { content } = await readAs(AwardMessageSchema, wire)
    if (content.case !== 'award') return
    const award = fromBinary(AwardSchema, content.value.payload)
    leases.set(award.jobId, { award, streams: 0 })
    await wire.write(bytesOf(AwardReplySchema, { accepted: true }))
  })
  await peer.answer(WIRE.lease, async (wire) => {
    const { jobId } = await readAs(LeaseHelloSchema, wire)
    await readAs(LeaseCommandSchema, wire)
    const lease = leases.get(jobId)
    if (lease === undefined) return
    lease.streams += 1
    await init.lease(lineOf(peer, wire, lease.award, lease.streams))
  })
  peer.onGossip((heard) => {
    if (heard.topic !== 'requests') return
    const { requirements } = fromBinary(JobRequestSchema, heard.data)
    if (!init.takes(fromBinary(RequirementsSchema, requirements), peer)) return
    const request = requestOf(heard)
    // Not delivered: the market is closing.
    void bidMessage(peer, bidFor(peer, market.network, request, { pricePerHour, minimumCharge })).then(
      async (message) => await deliverBid(peer, request.requester, message).catch(() => false),
    )
  })
  await announce(peer, market.network)
  return peer
}

function lineOf(peer: PlainPeer, wire: Wire, award: Award, stream: number): PlainLease {
  let sequence = 0n
  let startedAtMs = 0n
  const line: PlainLease = {
    ...{ award, stream },
    say: async (content) => await wire.write(bytesOf(LeaseMessageSchema, { content })),
    async report(content) {
      sequence += 1n
      await line.say({ case: 'report', value: { sequence, timestampMs: BigInt(Date.now()), content } })
    },
    async started() {
      startedAtMs = BigInt(Date.now())
      await line.report({ case: 'started', value: { startedAtMs } })
    },
    async ended(seconds, claim = {}, how = {}) {
      const { network, jobId, fence, requester, provider, requirementsDigest } = award
      const endedAtMs = BigInt(Date.now())
      const { pricePerHour, minimumCharge, pricePerGb } = award
      const terms = { pricePerHour, minimumCharge, pricePerGb, ...claim }
      const payload = bytesOf(ReceiptSchema, {
        ...{ network, jobId, fence, requester, provider, requirementsDigest, ...terms },
        ...{ meteredSeconds: BigInt(seconds), costNanoUsd: chargeOf(terms, { seconds, networkBytes: 0 }) },
        ...{ startedAtMs, endedAtMs, outcome: how.outcome ?? 'exited', exitCode: 0, ...claim },
      })
      const receipt = await peer.sign('receipt', payload)
      await line.report({ case: 'ended', value: { outcome: 'exited', exitCode: 0, endedAtMs, ...how, receipt } })
    },
  }
  return line
}
