import type { PrivateKey } from '@libp2p/interface'
import { encode } from '../../../protocol/codec.ts'
import { fromWireEndpoints, readContainerHealth } from '../../../protocol/endpoints.ts'
import {
  type LeaseMessage_CommandReply as CommandReply,
  LeaseCommandSchema,
  LeaseHelloSchema,
  type LeaseMessage,
  type Report,
} from '../../../protocol/gen/cortex/v1/market_pb.js'
import { maxNetworkOf } from '../../../protocol/job-spec.ts'
import { MAX_LEASE_MESSAGE_BYTES } from '../../../protocol/limits.ts'
import { readLeaseMessage } from '../../../protocol/stream-messages.ts'
import { Protocol } from '../../../protocol/topics.ts'
import { WireError } from '../../../protocol/wire-error.ts'
import { backoffMs } from '../../backoff.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { elapsedSince, momentNow } from '../../moment.ts'
import type { Channel, PeerNetwork } from '../../network/index.ts'
import { createRateBudget, type RateBudget } from '../../rate-budget.ts'
import type { JobRecord, JobStore, Lease } from '../../store/index.ts'
import { leaseOf, leaseWithFence } from '../../store/records.ts'
import { createMailbox } from '../mailbox.ts'
import { applyReport, refineLease } from './apply-report.ts'
import { createCommander } from './commander.ts'
import type { HeldUp } from './held-up.ts'
import { beforeEnd, heardNow } from './last-heard.ts'
import { type LeaseDesk, lastAck } from './lease-desk.ts'
import type { Loss, OverdueTimes } from './overdue.ts'
import { idleAtStart, knownRunMs, type LastIdle, toldToRun } from './own-meter.ts'
import { believedBytes, settleReceipt } from './receipts.ts'
import type { Received } from './received.ts'
import { type Breach, breachOf } from './unasked.ts'
import { watchOverdue } from './watch-overdue.ts'

/** How often each side says that it is there, in ms. @default 5_000 */
export const HEARTBEAT_MS = 5_000

/** Silence after which a provider is declared lost, in ms: six missed heartbeats. @default 30_000 */
export const LOST_AFTER_MS = 30_000

/** The pauses between two dials. */
const BACKOFF = { minMs: 100, maxMs: 5_000 }

/** What {@link followLease} works with. */
export interface FollowerComponents {
  network: PeerNetwork
  networkName: string
  privateKey: PrivateKey
  store: JobStore
  desk: LeaseDesk
  clock: Clock
  logger: Logger
  heldUp: HeldUp
  /** A provider's answer to an extension. */
  onReply: (jobId: string, reply: CommandReply) => Promise<void>
  /** A provider reported what only this peer may cause. */
  onBreach: (provider: string, breach: Breach) => void
}

/** A requester's patience with its providers. */
export interface FollowerTimes extends OverdueTimes {
  /** See {@link HEARTBEAT_MS}. */
  heartbeatMs: number
  /** See {@link LOST_AFTER_MS}. */
  lostAfterMs: number
}

/** How the follower of a lease comes to its end. */
export type Parting = 'settled' | Loss

/**
 * Follows one lease over as many streams as it takes, until its last report is stored or its provider is lost. Every
 * report is stored before it is acknowledged, and a new stream goes on after the last one stored.
 */
export async function followLease(
  components: FollowerComponents,
  init: { job: JobRecord; lease: Lease; times: FollowerTimes; signal: AbortSignal },
): Promise<Parting> {
  const { network, desk, clock, logger, heldUp } = components
  const { job, lease, times } = init
  const { id: jobId } = job
  const unwatch = heldUp.watch()
  const watch = watchOverdue(components, jobId, times, init.signal)
  const { signal } = watch
  const incoming = createMailbox<Channel>()
  const close = desk.open({ jobId, fence: lease.fence, provider: lease.provider }, incoming.put)
  const session: Session = {
    jobId,
    fence: lease.fence,
    lastContactMs: clock.monotonicMs(),
    storing: false,
    idle: idleAtStart(clock, lease),
    pace: createRateBudget({ clock }, paceOf(times)),
    times,
  }
  let attempt = 0
  try {
    for (;;) {
      signal.throwIfAborted()
      const channel = incoming.take() ?? (await dial(network, lease, jobId, signal, logger))
      if (channel !== null) {
        const contactBefore = session.lastContactMs
        const parting = await converse(components, session, channel, signal)
        if (parting !== 'broken') return parting
        if (session.lastContactMs > contactBefore) attempt = 0
      }
      const leftMs = times.lostAfterMs - silenceMs(components, session)
      if (leftMs <= 0) return 'silent'
      await incoming.arrival(clock, Math.min(leftMs, backoffMs(attempt, BACKOFF)), signal)
      attempt += 1
    }
  } catch (error) {
    const overdue = watch.overdue()
    if (overdue === null || init.signal.aborted) throw error
    return overdue
  } finally {
    close()
    unwatch()
    await watch.stop()
    for (let left = incoming.take(); left !== null; left = incoming.take()) left.abort(new Error('The lease is over'))
  }
}

/** Of one stream. */
interface Heard {
  /** Number of the provider's newest heartbeat; 0 before the first. */
  beat: number
}

interface Session {
  jobId: string
  fence: number
  lastContactMs: number
  /** What was heard is being stored: until that is done nobody listens, and silence says nothing of the provider. */
  storing: boolean
  /** When the provider last said that the container does not run yet. */
  idle: LastIdle
  /** Of heartbeats and replies: what it says beyond that is no honest provider's. */
  pace: RateBudget
  times: FollowerTimes
}

/** For how long the provider has been silent while somebody listened, in ms: what waits to be heard is no silence of its own. */
function silenceMs({ clock, heldUp }: Pick<FollowerComponents, 'clock' | 'heldUp'>, session: Session): number {
  return clock.monotonicMs() - session.lastContactMs - heldUp.latelyMs()
}

/**
 * Heartbeats and replies of one lease that are looked at: one a heartbeat's time is usual, one more for each port that
 * changes, and some may have waited together.
 */
function paceOf({ heartbeatMs }: FollowerTimes) {
  return { own: MAX_BEATS, total: MAX_BEATS, spanMs: MAX_BEATS * (heartbeatMs / 10) }
}
const MAX_BEATS = 100

async function dial(
  network: PeerNetwork,
  lease: Lease,
  jobId: string,
  signal: AbortSignal,
  logger: Logger,
): Promise<Channel | null> {
  try {
    const channel = await network.open(lease.provider, Protocol.lease, {
      addresses: lease.addresses,
      signal,
      timeoutMs: BACKOFF.maxMs,
      maxMessageBytes: MAX_LEASE_MESSAGE_BYTES,
    })
    await channel.send(encode(LeaseHelloSchema, { jobId, fence: lease.fence }))
    return channel
  } catch (error) {
    signal.throwIfAborted()
    logger.debug({ jobId, provider: lease.provider, error }, 'cannot reach the provider')
    return null
  }
}

/** One stream of a lease, from Attach to its end. */
async function converse(
  components: FollowerComponents,
  session: Session,
  channel: Channel,
  signal: AbortSignal,
): Promise<Parting | 'broken'> {
  const { store, logger, network, clock } = components
  const over = new AbortController()
  const both = AbortSignal.any([signal, over.signal])
  const first = await store.get(session.jobId)
  const lease = first === undefined ? null : leaseWithFence(first, session.fence)
  if (lease?.settled === true) return await sayGoodbye(channel, lease)
  if (first === undefined || lease === null || leaseOf(first) !== lease) return 'silent'
  const commander = createCommander(channel)
  const stopListening = store.onChange(session.jobId, () => {
    void store
      .get(session.jobId)
      .then(async (job) => await commander.wishes(job))
      .catch(() => over.abort())
  })
  const heard: Heard = { beat: 0 }
  const beats = heartbeats(components, session, heard, channel, both).catch(() => over.abort())
  try {
    await channel.send(
      encode(LeaseCommandSchema, { content: { case: 'attach', value: { afterSequence: BigInt(lease.lastReport) } } }),
    )
    await commander.wishes(first)
    for (;;) {
      const bytes = await channel.receive({ signal: both })
      if (bytes === null) return 'broken'
      session.storing = true
      const parting = await hear(components, session, heard, channel, readLeaseMessage(bytes)).finally(() => {
        session.storing = false
        session.lastContactMs = clock.monotonicMs()
      })
      if (parting !== null) return parting
    }
  } catch (error) {
    if (error instanceof WireError) network.penalise(lease.provider, `lease: ${error.code}`)
    logger.debug({ jobId: session.jobId, error }, 'the lease stream broke')
    channel.abort(error instanceof Error ? error : new Error(String(error)))
    signal.throwIfAborted()
    return 'broken'
  } finally {
    stopListening()
    over.abort()
    await beats
  }
}

/** The last report is stored, in this stream or one before: there is nothing more to hear. */
async function sayGoodbye(channel: Channel, lease: Pick<Lease, 'lastReport' | 'receipt'>): Promise<Parting> {
  try {
    await channel.send(lastAck(lease))
    await channel.close()
  } catch (error) {
    // A provider that misses it calls, and is told by the desk.
    channel.abort(error instanceof Error ? error : new Error(String(error)))
  }
  return 'settled'
}

async function hear(
  components: FollowerComponents,
  session: Session,
  heard: Heard,
  channel: Channel,
  { content }: LeaseMessage,
): Promise<Parting | null> {
  const { store, clock } = components
  switch (content.case) {
    case 'report': {
      const job = await storeReport(components, session, content.value)
      const lease = leaseWithFence(job, session.fence)
      if (lease?.settled === true) return await sayGoodbye(channel, lease)
      const ack = { sequence: content.value.sequence }
      await channel.send(encode(LeaseCommandSchema, { content: { case: 'ack', value: ack } }))
      return null
    }
    case 'heartbeat': {
      keepPace(session)
      const claimedMs = Number(content.value.meteredMs)
      // Before anything is stored: what is late here is not the provider's doing.
      const heardMs = clock.monotonicMs()
      const heardAt = momentNow(clock)
      heard.beat = content.value.number
      // At once: the provider counts itself in touch from when it sent this one.
      await channel.send(beatOf(heard))
      await store.change(session.jobId, (draft) => {
        const lease = leaseOf(draft.job)
        if (lease?.fence !== session.fence) return
        const knownMs = knownRunMs(clock, draft.job, session.times.heartbeatMs)
        const meteredMs = Math.max(lease.meteredMs, Math.min(claimedMs, knownMs))
        const endpoints = fromWireEndpoints(content.value.endpoints)
        const health = readContainerHealth(content.value.containerHealth)
        const bytes = Math.min(
          Number(content.value.networkBytes),
          believedBytes(maxNetworkOf(draft.job.spec) ?? 0, knownMs),
        )
        const traffic = bytes > (lease.networkBytes ?? 0) ? { networkBytes: bytes } : {}
        const told = {
          ...traffic,
          ...(endpoints.length === 0 ? {} : { endpoints }),
          ...(health === null ? {} : { health }),
        }
        const heard = heardNow(clock, lease)
        refineLease(draft, { meteredMs, lastContactMs: draft.nowMs, lastContact: heardAt, heard, ...told })
      })
      if (claimedMs === 0) session.idle = { atMs: heardMs, awayMs: 0 }
      return null
    }
    case 'reply':
      keepPace(session)
      await store.change(session.jobId, (draft) => {
        const lease = leaseOf(draft.job)
        if (lease?.fence === session.fence) refineLease(draft, { heard: heardNow(clock, lease) })
      })
      await components.onReply(session.jobId, content.value)
      return null
    case 'unknown':
      return 'unknown'
    default:
      throw new WireError('MALFORMED', 'A lease message without content')
  }
}

/** Stores a report, if it is the next one of the current lease. */
async function storeReport(components: FollowerComponents, session: Session, report: Report): Promise<JobRecord> {
  const { store, network, networkName, privateKey, clock, logger } = components
  const { jobId } = session
  const job = await store.get(jobId)
  const lease = job === undefined ? null : leaseOf(job)
  if (lease === null || lease.fence !== session.fence) throw new WireError('STALE', 'A report of an older attempt')
  const { content } = report
  const { heartbeatMs } = session.times
  const sinceAwardMs = elapsedSince(clock, lease.awardedAt)
  const settlement =
    content.case === 'ended' && job !== undefined
      ? await settleReceipt(content.value, {
          ...{ lease, jobId, requester: network.peerId, networkName, privateKey },
          seenMs: knownRunMs(clock, job, heartbeatMs),
          maxNetworkBytes: maxNetworkOf(job.spec) ?? 0,
          ...startOf(job),
          breaksOff: breachOf(job, report, { sinceAwardMs }) !== null,
        })
      : null
  const received: Received = {
    restoredFromMs: store.restoredFromMs,
    end: settlement?.end ?? null,
    sinceAwardMs,
    running:
      content.case === 'started'
        ? toldToRun(clock, session.idle, {
            ...{ lease, heartbeatMs },
            startedAtMs: Number(content.value.startedAtMs),
            heldUpMs: components.heldUp.latelyMs(),
          })
        : null,
  }
  const { job: after, result: breach } = await store.change(jobId, (draft) => {
    const now = leaseOf(draft.job)
    if (now?.fence !== session.fence) throw new WireError('STALE', 'A report of an older attempt')
    refineLease(draft, { heard: content.case === 'ended' ? beforeEnd(clock, now) : heardNow(clock, now) })
    const found = applyReport(draft, report, received)
    if (content.case === 'ended') draft.durable()
    return found
  })
  if (settlement?.end.claimedMs !== undefined) {
    const { claimedMs, meteredMs } = settlement.end
    logger.warn({ jobId, provider: lease.provider, claimedMs, meteredMs }, 'a receipt was not signed')
  }
  if (breach !== null) components.onBreach(lease.provider, breach)
  return after
}

/** What the provider has said of the start, for its receipt to say the same; nothing where this peer has kept nothing. */
function startOf({ state }: JobRecord): { startedAtMs?: number } {
  if (state.status === 'scheduled') return { startedAtMs: 0 }
  const startedAtMs = state.status === 'running' ? state.lease.running?.startedAtMs : undefined
  return startedAtMs === undefined ? {} : { startedAtMs }
}

/** @throws {WireError} where a provider says more than it can have to say */
function keepPace({ jobId, pace }: Session): void {
  if (pace.take(jobId) !== 'taken') throw new WireError('RATE', 'More heartbeats than a lease needs')
}

async function heartbeats(
  components: Pick<FollowerComponents, 'clock' | 'heldUp'>,
  session: Session,
  heard: Heard,
  channel: Channel,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await components.clock.sleep(session.times.heartbeatMs, signal)
    if (!session.storing && silenceMs(components, session) > session.times.lostAfterMs) {
      channel.abort(new Error('The provider is silent'))
      return
    }
    await channel.send(beatOf(heard))
  }
}

function beatOf({ beat }: Heard): Uint8Array {
  return encode(LeaseCommandSchema, { content: { case: 'heartbeat', value: { number: beat } } })
}
