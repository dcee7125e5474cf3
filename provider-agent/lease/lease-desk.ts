/** Where the streams of leases come in and go out: the requester dials, and where it does not, this side does. */

import { backoffMs } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { answerStreams, failStream, receiveWithin } from '../../node/network/answer-streams.ts'
import type { Channel, PeerNetwork } from '../../node/network/index.ts'
import { encode } from '../../protocol/codec.ts'
import { LeaseHelloSchema, LeaseMessageSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_BID_BYTES } from '../../protocol/limits.ts'
import { readLeaseHello } from '../../protocol/stream-messages.ts'
import { Protocol } from '../../protocol/topics.ts'
import type { Journal } from '../journal/journal.ts'
import { leaseId } from '../journal/records.ts'
import type { Lease } from './lease.ts'
import { serveLease } from './session.ts'

/** What {@link createLeaseDesk} works with. */
export interface LeaseDeskComponents {
  network: PeerNetwork
  journal: Journal
  clock: Clock
  logger: Logger
  find: (id: string) => Lease | undefined
  /** As in `HeartbeatsComponents`. */
  look: (lease: Lease, signal: AbortSignal) => Promise<void>
  /** As in `SessionComponents`. */
  onGivenUp: (lease: Lease) => Promise<void>
}

/** Times, in ms; see `AgentInit`. */
export interface LeaseDeskInit {
  heartbeatMs: number
  silenceMs: number
  dialDelayMs: number
}

/** Every stream of the lease protocol at this provider. */
export interface LeaseDesk {
  start(): void
  /** Keeps a stream of this lease alive until it is settled. @param delayMs how long the requester may take to dial first */
  keep(lease: Lease, delayMs: number): void
  /** Whether the requester follows this lease at the moment. */
  isAttached(lease: Lease): boolean
  stop(): Promise<void>
}

/** How long a stranger may take to say which lease it wants, in ms. */
const HELLO_MS = 10_000
const DIAL_TIMEOUT_MS = 10_000
/** Streams one connection may have open: one for each of a gateway's jobs here, and those that a break left behind. */
const MAX_STREAMS = 4_096
/** After this many dials without an answer, about ten minutes, the pause between two grows from 5 s to 60 s. */
const PATIENT_DIALS = 120
const SLOW_DIAL_MS = 60_000

/**
 * Of each lease one stream counts, the newest. Who asks for another's lease is told that there is none, and it counts
 * against that peer.
 */
export function createLeaseDesk(components: LeaseDeskComponents, init: LeaseDeskInit): LeaseDesk {
  const { network, journal, clock, find, look, onGivenUp } = components
  const logger = components.logger.child({ part: 'lease-desk' })
  const server = { network, logger, name: 'lease' }
  const scope = new AbortController()
  /** The stream on which the requester follows each lease, and its end. */
  const attached = new Map<string, { stream: AbortController; over: Promise<void> }>()
  const running = new Set<Promise<void>>()
  /** Cuts short the pauses before the next dial, by requester. */
  const pauses = new Map<string, Set<AbortController>>()

  /** Until the time has passed, the requester is connected again, or there is nothing more to wait for. */
  async function pause(requester: string, ms: number, over: AbortSignal): Promise<void> {
    const arrival = new AbortController()
    const own = pauses.get(requester) ?? new Set()
    pauses.set(requester, own.add(arrival))
    // Aborted: whoever waits looks why.
    await clock.sleep(ms, AbortSignal.any([over, arrival.signal])).catch(() => undefined)
    own.delete(arrival)
    if (own.size === 0) pauses.delete(requester)
  }

  async function serve(channel: Channel, lease: Lease): Promise<boolean> {
    const stream = new AbortController()
    const over = Promise.withResolvers<void>()
    const onAttached = (): void => {
      attached.get(lease.id)?.stream.abort(new Error('A newer stream took over'))
      attached.set(lease.id, { stream, over: over.promise })
    }
    try {
      const signal = AbortSignal.any([scope.signal, stream.signal])
      return await serveLease({ journal, clock, look, onAttached, onGivenUp }, channel, lease, init, signal)
    } finally {
      if (attached.get(lease.id)?.stream === stream) attached.delete(lease.id)
      over.resolve()
    }
  }

  async function answer(channel: Channel, peer: string): Promise<void> {
    const bytes = await receiveWithin(channel, { clock, ms: HELLO_MS, signal: scope.signal })
    if (bytes === null) return
    const hello = readLeaseHello(bytes)
    const lease = find(leaseId(hello.jobId, hello.fence))
    if (lease !== undefined && lease.record.requester === peer && lease.progress.stopping !== 'stale') {
      await serve(channel, lease)
      return
    }
    if (lease !== undefined && lease.record.requester !== peer) network.penalise(peer, 'asked for another’s lease')
    await channel.send(encode(LeaseMessageSchema, { content: { case: 'unknown', value: {} } }))
    await channel.close()
  }

  async function dial(lease: Lease): Promise<boolean> {
    const { requester, jobId, fence, addresses } = lease.record
    let channel: Channel | null = null
    try {
      channel = await network.open(requester, Protocol.lease, {
        addresses,
        signal: scope.signal,
        timeoutMs: DIAL_TIMEOUT_MS,
        maxMessageBytes: MAX_BID_BYTES,
      })
      await channel.send(encode(LeaseHelloSchema, { jobId, fence }))
      return await serve(channel, lease)
    } catch (error) {
      failStream(server, error, channel, requester)
      return false
    }
  }

  async function keep(lease: Lease, delayMs: number): Promise<void> {
    const over = AbortSignal.any([scope.signal, lease.settledSignal])
    const wanted = (): boolean => !over.aborted && lease.progress.stopping !== 'stale'
    let attempt = 0
    let pauseMs = delayMs
    while (wanted()) {
      await pause(lease.record.requester, pauseMs, over)
      if (!wanted()) return
      const current = attached.get(lease.id)
      if (current !== undefined) {
        await current.over
        attempt = 0
        pauseMs = backoffMs(0)
        continue
      }
      attempt = (await dial(lease)) ? 0 : attempt + 1
      pauseMs = attempt > PATIENT_DIALS ? backoffMs(attempt, { minMs: 1, maxMs: SLOW_DIAL_MS }) : backoffMs(attempt)
    }
  }

  return {
    start() {
      const options = { maxMessageBytes: MAX_BID_BYTES, maxInboundStreams: MAX_STREAMS, bulk: true }
      network.onPeer((peer, protocols) => {
        if (protocols.includes(Protocol.lease)) for (const arrival of pauses.get(peer) ?? []) arrival.abort()
      })
      answerStreams(server, Protocol.lease, options, async (channel, peer) => {
        const answered = answer(channel, peer)
        running.add(answered)
        await answered.finally(() => running.delete(answered))
      })
    },
    keep(lease, delayMs) {
      const kept = keep(lease, delayMs).finally(() => running.delete(kept))
      running.add(kept)
    },
    isAttached: (lease) => attached.has(lease.id),
    async stop() {
      scope.abort(new Error('The agent stops'))
      await Promise.allSettled(running)
    },
  }
}
