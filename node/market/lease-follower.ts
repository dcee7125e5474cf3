import type { PrivateKey } from '@libp2p/interface'
import { encode } from '../../protocol/codec.ts'
import { fromWireEndpoints } from '../../protocol/endpoints.ts'
import {
  type LeaseMessage_CommandReply as CommandReply,
  LeaseCommandSchema,
  LeaseHelloSchema,
  type LeaseMessage,
  type Report,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_LEASE_MESSAGE_BYTES } from '../../protocol/limits.ts'
import { readLeaseMessage } from '../../protocol/stream-messages.ts'
import { Protocol } from '../../protocol/topics.ts'
import { WireError } from '../../protocol/wire-error.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { elapsedSince } from '../moment.ts'
import type { Channel, PeerNetwork } from '../network/index.ts'
import type { JobRecord, JobStore, Lease } from '../store/index.ts'
import { leaseOf, leaseWithFence } from '../store/records.ts'
import { applyReport, refineLease } from './apply-report.ts'
import { type LeaseDesk, lastAck } from './lease-desk.ts'
import { createOverdueCheck, type Loss, type Overdue, type OverdueTimes } from './overdue.ts'
import { settleReceipt } from './receipts.ts'

/** How often each side says that it is there, in ms. @default 5_000 */
export const HEARTBEAT_MS = 5_000

/** Silence after which a provider is declared lost, in ms: six missed heartbeats. @default 30_000 */
export const LOST_AFTER_MS = 30_000

/** The longest pause between two dials, in ms. */
const MAX_BACKOFF_MS = 5_000
const FIRST_BACKOFF_MS = 100

export interface FollowerComponents {
  network: PeerNetwork
  networkName: string
  privateKey: PrivateKey
  store: JobStore
  desk: LeaseDesk
  clock: Clock
  logger: Logger
  /** A provider's answer to an extension. */
  onReply: (jobId: string, reply: CommandReply) => Promise<void>
}

export interface FollowerTimes extends OverdueTimes {
  heartbeatMs: number
  lostAfterMs: number
}

type Parting = 'settled' | Loss

/**
 * Follows one lease over as many streams as it takes, until its last report is stored or its provider is lost. Every
 * report is stored before it is acknowledged, and a new stream goes on after the last one stored.
 */
export async function followLease(
  components: FollowerComponents,
  init: { job: JobRecord; lease: Lease; times: FollowerTimes; signal: AbortSignal },
): Promise<Parting> {
  const { network, desk, clock, logger } = components
  const { job, lease, times } = init
  const { id: jobId } = job
  const watch = watchOverdue(components, jobId, times, init.signal)
  const { signal } = watch
  const incoming = createMailbox<Channel>()
  const close = desk.open({ jobId, fence: lease.fence, provider: lease.provider }, incoming.put)
  const startedMs = clock.monotonicMs()
  const { fence, meteredMs: meteredBeforeMs } = lease
  const session: Session = { jobId, fence, lastContactMs: startedMs, storing: false, startedMs, meteredBeforeMs, times }
  let backoffMs = FIRST_BACKOFF_MS
  try {
    for (;;) {
      signal.throwIfAborted()
      const channel = incoming.take() ?? (await dial(network, lease, jobId, signal, logger))
      if (channel !== null) {
        const contactBefore = session.lastContactMs
        const parting = await converse(components, session, channel, signal)
        if (parting !== 'broken') return parting
        if (session.lastContactMs > contactBefore) backoffMs = FIRST_BACKOFF_MS
      }
      const leftMs = times.lostAfterMs - (clock.monotonicMs() - session.lastContactMs)
      if (leftMs <= 0) return 'silent'
      await incoming.arrival(clock, Math.min(leftMs, backoffMs * (0.5 + Math.random() / 2)), signal)
      backoffMs = Math.min(MAX_BACKOFF_MS, backoffMs * 2)
    }
  } catch (error) {
    const overdue = watch.overdue()
    if (overdue === null || init.signal.aborted) throw error
    return overdue
  } finally {
    close()
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
  startedMs: number
  /** What was metered before this process followed the lease. */
  meteredBeforeMs: number
  times: FollowerTimes
}

/** Looks after each heartbeat whether the provider is late with something; the signal aborts when it is, or with the parent. */
function watchOverdue({ store, clock }: FollowerComponents, jobId: string, times: FollowerTimes, parent: AbortSignal) {
  const late = new AbortController()
  const done = new AbortController()
  let check = createOverdueCheck({ clock }, times)
  let overdue: Overdue | null = null
  const watching = (async () => {
    while (overdue === null) {
      await clock.sleep(times.heartbeatMs, AbortSignal.any([parent, done.signal]))
      const job = await store.get(jobId)
      // What cannot be stored is not the provider's delay: its time begins anew.
      if (store.problem() !== null) check = createOverdueCheck({ clock }, times)
      else if (job !== undefined) overdue = check(job)
    }
    late.abort(new Error(`The provider is late: ${overdue}`))
  })().catch(() => undefined) // stopped
  return {
    signal: AbortSignal.any([parent, late.signal]),
    overdue: () => overdue,
    async stop() {
      done.abort()
      await watching
    },
  }
}

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
      timeoutMs: MAX_BACKOFF_MS,
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
  const { store, clock, logger, network } = components
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
  const beats = heartbeats(channel, session, heard, clock, both).catch(() => over.abort())
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
  const { store } = components
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
      const claimedMs = Number(content.value.meteredMs)
      heard.beat = content.value.number
      // At once: the provider counts itself in touch from when it sent this one.
      await channel.send(beatOf(heard))
      await store.change(session.jobId, (draft) => {
        const lease = leaseOf(draft.job)
        if (lease?.fence !== session.fence) return
        const seenMs = draft.job.state.status === 'running' ? seenOf(session, lease, components.clock) : 0
        const meteredMs = Math.max(lease.meteredMs, Math.min(claimedMs, seenMs))
        const endpoints = fromWireEndpoints(content.value.endpoints)
        const told = endpoints.length === 0 ? {} : { endpoints }
        refineLease(draft, { meteredMs, lastContactMs: draft.nowMs, ...told })
      })
      return null
    }
    case 'reply':
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
  const { store, network, networkName, privateKey, clock } = components
  const { jobId } = session
  const job = await store.get(jobId)
  const lease = job === undefined ? null : leaseOf(job)
  if (lease === null || lease.fence !== session.fence) throw new WireError('STALE', 'A report of an older attempt')
  const { content } = report
  const seenMs = job?.state.status === 'running' ? seenOf(session, lease, clock) : 0
  const settlement =
    content.case === 'ended'
      ? await settleReceipt(content.value, { lease, jobId, requester: network.peerId, networkName, seenMs, privateKey })
      : null
  const { job: after } = await store.change(jobId, (draft) => {
    if (leaseOf(draft.job)?.fence !== session.fence) throw new WireError('STALE', 'A report of an older attempt')
    applyReport(draft, report, settlement?.end ?? null)
    if (content.case === 'ended') draft.durable()
  })
  return after
}

/**
 * How long the container can have run as far as this peer knows, in ms: what a provider may claim at most. Counted since
 * the award, over restarts of this process, too, and where the wall clock jumped since the machine's start.
 */
function seenOf(session: Session, lease: Lease, clock: Clock): number {
  const followedMs = session.meteredBeforeMs + clock.monotonicMs() - session.startedMs
  return Math.max(followedMs, elapsedSince(clock, lease.awardedAt)) + session.times.lostAfterMs
}

async function heartbeats(
  channel: Channel,
  session: Session,
  heard: Heard,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await clock.sleep(session.times.heartbeatMs, signal)
    if (!session.storing && clock.monotonicMs() - session.lastContactMs > session.times.lostAfterMs) {
      channel.abort(new Error('The provider is silent'))
      return
    }
    await channel.send(beatOf(heard))
  }
}

function beatOf({ beat }: Heard): Uint8Array {
  return encode(LeaseCommandSchema, { content: { case: 'heartbeat', value: { number: beat } } })
}

/** Sends what the user wants of the job, each wish once per stream; the provider knows repeated ones by their id. */
function createCommander(channel: Channel): { wishes(job: JobRecord | undefined): Promise<void> } {
  const sent = new Set<string>()
  return {
    async wishes(job) {
      if (job === undefined) return
      if (job.cancelRequestedAtMs !== null && !sent.has('cancel')) {
        sent.add('cancel')
        await channel.send(encode(LeaseCommandSchema, { content: { case: 'cancel', value: { commandId: 'cancel' } } }))
      }
      const { extension } = job
      if (extension !== null && !sent.has(extension.commandId)) {
        sent.add(extension.commandId)
        await channel.send(encode(LeaseCommandSchema, { content: { case: 'extend', value: extension } }))
      }
    },
  }
}

/** One reader waits for values that others put. */
function createMailbox<T>() {
  const values: T[] = []
  let arrived: (() => void) | null = null
  return {
    put(value: T): void {
      values.push(value)
      arrived?.()
    },
    take: (): T | null => values.shift() ?? null,
    /** Resolves when there is a value, or after `ms`. */
    async arrival(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
      if (values.length > 0) return
      const woken = new AbortController()
      arrived = () => woken.abort()
      try {
        await clock.sleep(ms, AbortSignal.any([signal, woken.signal]))
      } catch (error) {
        signal.throwIfAborted()
        if (!woken.signal.aborted) throw error
      } finally {
        arrived = null
      }
    },
  }
}
