import { encode } from '../../../protocol/codec.ts'
import { LeaseCommandSchema, type SignedStatement } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { isJobId } from '../../../protocol/ids.ts'
import { MAX_LEASE_MESSAGE_BYTES } from '../../../protocol/limits.ts'
import { unpackStatement } from '../../../protocol/statements.ts'
import { readLeaseHello } from '../../../protocol/stream-messages.ts'
import { Protocol } from '../../../protocol/topics.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { answerStreams, receiveWithin } from '../../network/answer-streams.ts'
import type { Channel, PeerNetwork } from '../../network/index.ts'
import type { JobRecord, JobStore, Lease } from '../../store/index.ts'
import { leaseWithFence, lostLeaseOf } from '../../store/records.ts'

const HELLO_TIMEOUT_MS = 5_000

/** Where providers call in with a lease, after a break that they noticed first. */
export interface LeaseDesk {
  /** Hands such calls for this lease to `take`, until the returned function is called. */
  open(lease: { jobId: string; fence: number; provider: string }, take: (channel: Channel) => void): () => void
}

/**
 * Serves streams of leases from now on. Who calls about a lease that is settled is told so again, and who calls about
 * one that counts no more that it is stale.
 */
export function createLeaseDesk(components: {
  network: PeerNetwork
  store: JobStore
  clock: Clock
  logger: Logger
}): LeaseDesk {
  const { network, store, clock, logger } = components
  const followers = new Map<string, (channel: Channel) => void>()

  async function answer(channel: Channel, peer: string): Promise<void> {
    const bytes = await receiveWithin(channel, { clock, ms: HELLO_TIMEOUT_MS })
    if (bytes === null) return
    const { jobId, fence } = readLeaseHello(bytes)
    const follower = followers.get(leaseName(jobId, fence, peer))
    if (follower !== undefined) {
      follower(channel)
      return
    }
    // One that went with its age: its provider may not have heard yet what was signed.
    const job = isJobId(jobId) ? ((await store.get(jobId)) ?? (await store.bill(jobId))) : undefined
    const lease = job === undefined ? null : leaseWithFence(job, fence)
    if (lease !== null && lease.provider === peer && lease.settled) {
      await channel.send(lastAck(lease))
    } else if (!mayStillCount(job, fence, peer)) {
      await channel.send(encode(LeaseCommandSchema, { content: { case: 'stale', value: {} } }))
    }
    await channel.close()
  }

  const options = { maxMessageBytes: MAX_LEASE_MESSAGE_BYTES, maxInboundStreams: 1024, bulk: true }
  answerStreams({ network, logger, name: 'lease' }, Protocol.lease, options, answer)

  return {
    open({ jobId, fence, provider }, take) {
      const name = leaseName(jobId, fence, provider)
      followers.set(name, take)
      return () => {
        if (followers.get(name) === take) followers.delete(name)
      }
    },
  }
}

/** While an award is under way, or a follower is about to begin, or a lost provider may come back, it is to call again. */
function mayStillCount(job: Pick<JobRecord, 'state'> | undefined, fence: number, peer: string): boolean {
  if (job === undefined) return false
  const { state } = job
  const lost = lostLeaseOf(job)?.lease
  if (lost?.fence === fence && lost.provider === peer) return true
  const current =
    state.status === 'pending' ? state.award : 'lease' in state && !('endedAtMs' in state) ? state.lease : null
  return current !== null && current.fence === fence && current.provider === peer
}

/** Everything is stored: the provider may forget the lease. Carries this peer's signature under the receipt, if there is one. */
export function lastAck(lease: Pick<Lease, 'lastReport' | 'receipt'>): Uint8Array {
  const receipt: SignedStatement | undefined =
    lease.receipt === null ? undefined : unpackStatement(lease.receipt.requester)
  const value = { sequence: BigInt(lease.lastReport), ...(receipt === undefined ? {} : { receipt }) }
  return encode(LeaseCommandSchema, { content: { case: 'ack', value } })
}

function leaseName(jobId: string, fence: number, provider: string): string {
  return `${jobId} ${fence} ${provider}`
}
