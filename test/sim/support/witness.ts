/**
 * What was promised, by what went over the network and what the engines ran: seen from outside, and checked as it
 * happens. Nothing here asks a requester or an agent what it believes.
 */

import { fromBinary } from '@bufbuild/protobuf'
import {
  type Award,
  AwardMessageSchema,
  AwardReplySchema,
  AwardSchema,
  BidMessageSchema,
  BidSchema,
} from '../../../protocol/gen/cortex/v1/market_pb.js'
import type { Topic } from '../../../protocol/topics.ts'
import { Protocol } from '../../../protocol/topics.ts'
import type { Run } from './machine.ts'
import type { ModelClock } from './model-clock.ts'
import type { ChannelTap, Tap } from './network.ts'
import type { Provider } from './provider.ts'
import type { Note } from './world.ts'

export interface Witness {
  providerTap(provider: Provider): Tap
  requesterTap: Tap
  started(run: Run): void
  ended(run: Run): void
  /** Every container that ever ran. */
  readonly runs: Run[]
  /** Requests as they were published, oldest first. */
  readonly requests: { topic: Topic; data: Uint8Array }[]
  /** Awards that were accepted, `JOB-FENCE`, and by whom. */
  readonly accepted: ReadonlyMap<string, number>
}

export interface WitnessComponents {
  time: ModelClock
  onViolation: (what: string) => void
  /** Whether nobody could end a container of this machine a short while ago. */
  wasHelpless: (machine: number) => boolean
  note: Note
}

interface OpenBid {
  cpuMillis: number
  expiresAtMs: number
}

export function createWitness({ time, onViolation, wasHelpless, note }: WitnessComponents): Witness {
  const runs: Run[] = []
  const running = new Set<Run>()
  const startedOnce = new Set<string>()
  const requests: { topic: Topic; data: Uint8Array }[] = []
  const accepted = new Map<string, number>()
  /** Bids that hold capacity, by process: those of one that was killed hold nothing. */
  const openBids = new WeakMap<object, Map<string, OpenBid>>()

  function bidsOf(provider: Provider): Map<string, OpenBid> {
    const own = provider.process ?? {}
    const bids = openBids.get(own) ?? new Map<string, OpenBid>()
    openBids.set(own, bids)
    return bids
  }

  function bidding(provider: Provider): ChannelTap {
    const madeAtMs = time.elapsedMs
    let bidId = ''
    return {
      sent(bytes) {
        const { content } = fromBinary(BidMessageSchema, bytes)
        if (content.case !== 'bid') return
        const bid = fromBinary(BidSchema, content.value.payload)
        const bids = bidsOf(provider)
        bidId = hex(bid.bidId)
        const cpuMillis = cpuOfBid(provider, bid.pricePerHour)
        bids.set(bidId, { cpuMillis, expiresAtMs: madeAtMs + bid.validForMs })
        countPromises(provider, bids)
      },
      failed: () => void bidsOf(provider).delete(bidId),
    }
  }

  /** Everything that a provider has promised fits its machine. */
  function countPromises(provider: Provider, bids: Map<string, OpenBid>): void {
    let promised = 0
    for (const [id, { cpuMillis, expiresAtMs }] of bids) {
      if (expiresAtMs <= time.elapsedMs) bids.delete(id)
      else promised += cpuMillis
    }
    for (const lease of provider.process?.agent.status().leases ?? []) {
      if (lease.outcome === null) promised += lease.resources.cpuMillis
    }
    const { cpuMillis } = provider.machine
    if (promised > cpuMillis) onViolation(`provider ${provider.index} promises ${promised} of ${cpuMillis} millicores`)
  }

  function awarding(provider: Provider): ChannelTap {
    let award: Award | undefined
    return {
      received(bytes) {
        const { content } = fromBinary(AwardMessageSchema, bytes)
        if (content.case === 'release') bidsOf(provider).delete(hex(content.value.bidId))
        if (content.case !== 'award') return
        award = fromBinary(AwardSchema, content.value.payload)
        bidsOf(provider).delete(hex(award.bidId))
      },
      sent(bytes) {
        const reply = fromBinary(AwardReplySchema, bytes)
        if (award === undefined) return
        const id = `${award.jobId}-${award.fence}`
        note(() => `provider ${provider.index} answers the award of ${id}: ${reply.accepted ? 'accepted' : reply.code}`)
        if (!reply.accepted) return
        const other = accepted.get(id) ?? provider.index
        if (other !== provider.index) onViolation(`${id} was accepted by providers ${other} and ${provider.index}`)
        accepted.set(id, provider.index)
      },
    }
  }

  return {
    runs,
    requests,
    accepted,
    requesterTap: {
      published: (topic, data) => void requests.push({ topic, data }),
    },
    providerTap: (provider) => ({
      opened: (protocol) => (protocol === Protocol.bid ? bidding(provider) : {}),
      answered: (protocol) => (protocol === Protocol.award ? awarding(provider) : {}),
    }),
    started(run) {
      const id = `${run.jobId}-${run.fence}`
      note(() => `machine ${run.machine} starts ${id}`)
      if (startedOnce.has(id)) onViolation(`a second container of ${id} was started`)
      startedOnce.add(id)
      for (const other of running) {
        if (other.jobId !== run.jobId || !run.exclusive || wasHelpless(other.machine)) continue
        onViolation(`${id} was started while ${other.jobId}-${other.fence} runs on machine ${other.machine}`)
      }
      runs.push(run)
      running.add(run)
    },
    ended(run) {
      note(() => `machine ${run.machine}: ${run.jobId}-${run.fence} ends with ${run.exitCode}`)
      running.delete(run)
    },
  }
}

/** Providers price cores alone, at a whole number of cents an hour: the price tells the cores. */
function cpuOfBid({ index }: Provider, pricePerHour: bigint): number {
  return Number((pricePerHour * 1000n) / (BigInt(index + 1) * 10_000_000n))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
