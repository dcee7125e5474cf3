/**
 * A provider that was lost may come back with the job's result while nobody else has been given the job: then its lease
 * goes on, and what it did counts. Once another attempt is awarded it comes too late.
 */

import { encode } from '../../../protocol/codec.ts'
import { LeaseCommandSchema, LeaseHelloSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_LEASE_MESSAGE_BYTES } from '../../../protocol/limits.ts'
import { readLeaseMessage } from '../../../protocol/stream-messages.ts'
import { Protocol } from '../../../protocol/topics.ts'
import type { Clock } from '../../clock.ts'
import { deadline } from '../../deadline.ts'
import type { Logger } from '../../logger.ts'
import { momentNow } from '../../moment.ts'
import type { Channel, PeerNetwork } from '../../network/index.ts'
import type { JobDraft, JobRecord, JobStore } from '../../store/index.ts'
import { lostLeaseOf } from '../../store/records.ts'
import { createMailbox } from '../mailbox.ts'
import type { HeldUp } from './held-up.ts'
import type { LeaseDesk } from './lease-desk.ts'

/** How often a lost provider is called, in ms; it calls by itself as well. */
const CALL_EVERY_MS = 5_000

/** How long it may take to answer, in ms. */
const ANSWER_MS = 3_000

/** What {@link regain} works with. */
export interface RegainComponents {
  network: PeerNetwork
  store: JobStore
  clock: Clock
  logger: Logger
}

/** Waits for the lost provider of a pending job, and calls it now and then. Resolves once the job goes on there. */
export async function waitForLost(
  components: RegainComponents & { desk: LeaseDesk; heldUp: Pick<HeldUp, 'watch'> },
  job: JobRecord,
  signal: AbortSignal,
): Promise<boolean> {
  const { desk, store, clock, heldUp } = components
  const lost = lostLeaseOf(job)
  if (lost === null) return false
  const incoming = createMailbox<Channel>()
  const { fence, provider } = lost.lease
  const close = desk.open({ jobId: job.id, fence, provider }, incoming.put)
  const unwatch = heldUp.watch()
  try {
    for (;;) {
      const current = await store.get(job.id)
      if (current === undefined || lostLeaseOf(current)?.lease.fence !== fence) return false
      if (await regain(components, current, signal, incoming.take())) return true
      await incoming.arrival(clock, CALL_EVERY_MS, signal)
    }
  } finally {
    close()
    unwatch()
    for (let left = incoming.take(); left !== null; left = incoming.take()) left.abort(new Error('Nobody waits for it'))
  }
}

/**
 * Asks the lost provider of a pending job for its lease, once; whether the job goes on there.
 * @param called the stream on which it called; null to call it
 */
export async function regain(
  { network, store, clock, logger }: RegainComponents,
  job: JobRecord,
  signal: AbortSignal,
  called: Channel | null = null,
): Promise<boolean> {
  const lost = lostLeaseOf(job)
  if (lost === null) return false
  const { provider, addresses, fence, lastReport } = lost.lease
  const limit = deadline(clock, ANSWER_MS, signal)
  let channel = called
  try {
    if (channel === null) {
      const options = {
        addresses,
        signal: limit.signal,
        timeoutMs: ANSWER_MS,
        maxMessageBytes: MAX_LEASE_MESSAGE_BYTES,
      }
      channel = await network.open(provider, Protocol.lease, options)
      await channel.send(encode(LeaseHelloSchema, { jobId: job.id, fence }))
    }
    const attach = { case: 'attach', value: { afterSequence: BigInt(lastReport) } } as const
    await channel.send(encode(LeaseCommandSchema, { content: attach }))
    const bytes = await channel.receive({ signal: limit.signal })
    if (bytes === null) return false
    const { content } = readLeaseMessage(bytes)
    // What was told before proves nothing.
    if (content.case === 'report' && Number(content.value.sequence) <= lastReport) return false
    const isKnown = content.case !== 'unknown'
    const { result } = await store.change(job.id, (draft) =>
      isKnown ? takeBack(draft, fence, clock) : giveUp(draft, fence),
    )
    return result
  } catch (error) {
    signal.throwIfAborted()
    logger.debug({ jobId: job.id, provider, error }, 'a lost provider is not back')
    return false
  } finally {
    limit.clear()
    // The follower opens one of its own, from the last report that is stored.
    channel?.abort(new Error('It was asked whether it is there'))
  }
}

function takeBack(draft: JobDraft, fence: number, clock: Clock): boolean {
  const { state, pastLeases, cancelRequestedAtMs } = draft.job
  const lost = lostLeaseOf(draft.job)
  if (state.status !== 'pending' || lost?.lease.fence !== fence) return false
  if (state.award !== null || cancelRequestedAtMs !== null) return false
  const { scheduledAtMs, startedAtMs, attempt, logOffset } = lost
  const lease = { ...lost.lease, regained: true, lastContact: momentNow(clock), lastContactMs: draft.nowMs }
  draft.transition({
    expect: ['pending'],
    to:
      startedAtMs === null
        ? { status: 'scheduled', lease, scheduledAtMs }
        : { status: 'running', lease, scheduledAtMs, startedAtMs },
    by: 'provider',
    event: 'regained',
    data: { provider: lease.provider, attempt },
  })
  draft.patch({ attempt, pastLeases: pastLeases.filter((past) => past.fence !== fence) })
  draft.continueLogs(logOffset)
  draft.durable()
  return true
}

function giveUp(draft: JobDraft, fence: number): false {
  if (lostLeaseOf(draft.job)?.lease.fence === fence) draft.refine('pending', { lost: null })
  return false
}
