/**
 * One stream of a lease, from the requester's first word to the end of the stream: reports out of the journal in order,
 * heartbeats, and the requester's acknowledgements and commands.
 */

import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { Channel } from '../../node/network/index.ts'
import { createRateBudget } from '../../node/rate-budget.ts'
import { encode } from '../../protocol/codec.ts'
import { type LeaseCommand, LeaseMessageSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { readLeaseCommand } from '../../protocol/stream-messages.ts'
import { WireError } from '../../protocol/wire-error.ts'
import type { Journal } from '../journal/journal.ts'
import type { CommandAnswer } from '../journal/records.ts'
import type { Lease } from './lease.ts'
import { acknowledge, acknowledgeUpTo } from './stream/acknowledge.ts'
import { createHeartbeats } from './stream/heartbeats.ts'
import { sendReports } from './stream/send-reports.ts'

/** What {@link serveLease} works with. */
export interface SessionComponents {
  journal: Journal
  clock: Clock
  /** As in `HeartbeatsComponents`. */
  look: (lease: Lease, signal: AbortSignal) => Promise<void>
  /** Called when the requester gives the lease up after its end. */
  onGivenUp: (lease: Lease) => Promise<void>
  /** Called when the requester takes up the lease on this stream; an older stream of it is to go. */
  onAttached: () => void
}

/** Times, in ms; see `AgentInit`. */
export interface SessionInit {
  heartbeatMs: number
  silenceMs: number
}

/** Commands that may come at once; ten of them in each heartbeat's time. */
const MAX_COMMANDS = 100
/** How long the requester may take for its first command, in ms. */
const FIRST_COMMAND_MS = 10_000

/**
 * Resolves when the stream is over; answers whether the requester took up the lease on it. Rejects where the stream
 * broke, and with a WireError where the requester broke the protocol.
 */
export async function serveLease(
  { journal, clock, look, onAttached, onGivenUp }: SessionComponents,
  channel: Channel,
  lease: Lease,
  init: SessionInit,
  signal: AbortSignal,
): Promise<boolean> {
  const scope = new AbortController()
  const open = AbortSignal.any([signal, scope.signal, lease.settledSignal])
  let sending: Promise<void> = Promise.resolve()
  let attached = false
  /** The last report that the requester had before this stream. */
  let before = 0
  let heardMs = clock.monotonicMs()
  const tasks: Promise<void>[] = []
  const pace = createRateBudget(
    { clock },
    { own: MAX_COMMANDS, total: MAX_COMMANDS, spanMs: (MAX_COMMANDS * init.heartbeatMs) / 10 },
  )

  /** One message after another: reports, replies and heartbeats share the stream. */
  function send(message: Uint8Array): Promise<void> {
    sending = sending.then(() => channel.send(message))
    return sending
  }

  const heartbeats = createHeartbeats({ clock, lease, look, send, heardMs: () => heardMs }, init, open)

  function fail(error: unknown): void {
    scope.abort(error)
    channel.abort(error instanceof Error ? error : new Error(String(error)))
  }

  async function hear({ content }: LeaseCommand): Promise<void> {
    // Acknowledgements come with reports; the others may cost a write each, and have no reason to come often.
    if (content.case !== 'ack' && pace.take(lease.id) !== 'taken') {
      throw new WireError('RATE', 'More commands than a lease needs')
    }
    switch (content.case) {
      case 'attach':
        return attach(Number(content.value.afterSequence))
      case 'ack':
        lease.reportsHeard(before, Number(content.value.sequence), init.heartbeatMs)
        return await acknowledge(lease, Number(content.value.sequence), content.value.receipt)
      case 'cancel':
        return await reply(content.value.commandId, await lease.cancel(content.value.commandId))
      case 'extend': {
        const { commandId, additionalSeconds } = content.value
        return await reply(commandId, await lease.extend(commandId, additionalSeconds))
      }
      case 'stale':
        return await stale()
      case 'heartbeat':
        return heartbeats.answered(content.value.number)
      default: // Unknown ones are for a newer provider.
    }
  }

  function attach(after: number): void {
    if (attached) throw new Error('Attached twice on one stream')
    attached = true
    before = after
    onAttached()
    const going = [sendReports({ journal, lease, send }, after, open), heartbeats.run(), acknowledgeUpTo(lease, after)]
    tasks.push(...going.map(async (one) => await one.catch(fail)))
  }

  async function stale(): Promise<void> {
    if (lease.progress.ended === null) {
      await lease.requestStop('stale')
    } else {
      await onGivenUp(lease)
      await lease.settle(null)
    }
    scope.abort()
  }

  async function reply(commandId: string, answer: CommandAnswer): Promise<void> {
    await send(encode(LeaseMessageSchema, { content: { case: 'reply', value: { commandId, ...answer } } }))
  }

  /** Null when the requester has closed. */
  async function next(): Promise<LeaseCommand | null> {
    const first = deadline(clock, FIRST_COMMAND_MS, open)
    try {
      const bytes = await channel.receive({ signal: attached ? open : first.signal })
      return bytes === null ? null : readLeaseCommand(bytes)
    } finally {
      first.clear()
    }
  }

  const wake = (): void => lease.wake()
  open.addEventListener('abort', wake)
  const deafen = lease.onCondition(heartbeats.hasten)
  try {
    for (let command = await next(); command !== null; command = await next()) {
      heardMs = clock.monotonicMs()
      await hear(command)
      if (open.aborted) break
    }
  } catch (error) {
    // Settled, replaced or stopping: the stream is over because this side wants it so.
    if (!open.aborted) throw error
  } finally {
    scope.abort()
    open.removeEventListener('abort', wake)
    deafen()
    await channel.close().catch(() => undefined)
    await Promise.all(tasks)
  }
  return attached
}
