/**
 * One stream of a lease, from the requester's first word to the end of the stream: reports out of the journal in order,
 * heartbeats, and the requester's acknowledgements and commands.
 */

import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { Channel } from '../../node/network/index.ts'
import { encode } from '../../protocol/codec.ts'
import { toWireEndpoints } from '../../protocol/endpoints.ts'
import { type LeaseCommand, LeaseMessageSchema, type SignedStatement } from '../../protocol/gen/cortex/v1/market_pb.js'
import { readLeaseCommand } from '../../protocol/stream-messages.ts'
import type { Journal } from '../journal/journal.ts'
import type { CommandAnswer } from '../journal/records.ts'
import type { Lease } from './lease.ts'
import { checkCounterSignature } from './receipt.ts'

export interface SessionComponents {
  journal: Journal
  clock: Clock
  /** Called when the requester takes up the lease on this stream; an older stream of it is to go. */
  onAttached: () => void
}

export interface SessionInit {
  heartbeatMs: number
  silenceMs: number
}

/** How late a heartbeat may be, in ms, before this process counts as held up. */
const HELD_UP_MS = 1_000
/** How long the requester may take for its first command, in ms. */
const FIRST_COMMAND_MS = 10_000

/**
 * Resolves when the stream is over; answers whether the requester took up the lease on it. Rejects where the stream
 * broke, and with a WireError where the requester broke the protocol.
 */
export async function serveLease(
  { journal, clock, onAttached }: SessionComponents,
  channel: Channel,
  lease: Lease,
  init: SessionInit,
  signal: AbortSignal,
): Promise<boolean> {
  const scope = new AbortController()
  const open = AbortSignal.any([signal, scope.signal, lease.settledSignal])
  let sending: Promise<void> = Promise.resolve()
  let attached = false
  let heardMs = clock.monotonicMs()
  /** When each heartbeat was sent that the requester has not answered, by its number. Monotonic, ms. */
  const beats = new Map<number, number>()
  let lastBeat = 0
  let early = new AbortController()
  const tasks: Promise<void>[] = []

  /** One message after another: reports, replies and heartbeats share the stream. */
  function send(message: Uint8Array): Promise<void> {
    sending = sending.then(() => channel.send(message))
    return sending
  }

  function fail(error: unknown): void {
    scope.abort(error)
    channel.abort(error instanceof Error ? error : new Error(String(error)))
  }

  async function sendReports(after: number): Promise<void> {
    let sent = after
    while (!open.aborted) {
      const change = lease.nextChange()
      const reports = await journal.read(lease.id, sent)
      for (const { sequence, message } of reports) {
        if (open.aborted) return
        await send(message)
        sent = sequence
      }
      if (reports.length === 0) await change
    }
  }

  /**
   * The first one after this process was held up, with its machine asleep or busy, repeats what the last one said: the
   * container may have ended meanwhile, and the engine is heard only now. The next one knows.
   */
  async function sendHeartbeats(): Promise<void> {
    let meteredMs = 0n
    let dueMs = clock.monotonicMs()
    for (let wasLate = false; !open.aborted; ) {
      const isLate = clock.monotonicMs() - dueMs > HELD_UP_MS
      if (!isLate || wasLate) meteredMs = BigInt(Math.trunc(lease.meter.sure()))
      wasLate = isLate
      lastBeat += 1
      beats.set(lastBeat, clock.monotonicMs())
      const value = { meteredMs, number: lastBeat, endpoints: toWireEndpoints([...lease.endpoints]) }
      await send(encode(LeaseMessageSchema, { content: { case: 'heartbeat', value } }))
      // Aborted: the loop ends, or there is something new to tell.
      early = new AbortController()
      dueMs = clock.monotonicMs() + init.heartbeatMs
      await clock.sleep(init.heartbeatMs, AbortSignal.any([open, early.signal])).catch(() => undefined)
      if (clock.monotonicMs() - heardMs > init.silenceMs) throw new Error('The requester is silent')
    }
  }

  async function hear({ content }: LeaseCommand): Promise<void> {
    switch (content.case) {
      case 'attach':
        attach(Number(content.value.afterSequence))
        return
      case 'ack':
        await acknowledge(Number(content.value.sequence), content.value.receipt)
        return
      case 'cancel':
        return await reply(content.value.commandId, await lease.cancel(content.value.commandId))
      case 'extend': {
        const { commandId, additionalSeconds } = content.value
        return await reply(commandId, await lease.extend(commandId, additionalSeconds))
      }
      case 'stale':
        await stale()
        return
      case 'heartbeat':
        answered(content.value.number)
        return
      default: // Unknown ones are for a newer provider.
    }
  }

  /** The requester had heard this one when it wrote; when it wrote nobody can tell, so the lease runs from the sending. */
  function answered(number: number): void {
    const sentMs = beats.get(number)
    if (sentMs === undefined) return
    for (const known of beats.keys()) if (known <= number) beats.delete(known)
    lease.touch(sentMs)
  }

  function attach(after: number): void {
    if (attached) throw new Error('Attached twice on one stream')
    attached = true
    onAttached()
    tasks.push(sendReports(after).catch(fail), sendHeartbeats().catch(fail))
    // What the requester names it has stored. The last report is settled by its own acknowledgement, with the receipt.
    const { ended } = lease.progress
    const stored = ended === null ? after : Math.min(after, ended.sequence - 1)
    tasks.push(journal.acknowledge(lease.id, stored).catch(fail))
  }

  async function acknowledge(sequence: number, receipt: SignedStatement | undefined): Promise<void> {
    const { ended } = lease.progress
    if (ended === null || sequence < ended.sequence) return await journal.acknowledge(lease.id, sequence)
    if (receipt !== undefined) await checkCounterSignature(ended.receipt, receipt, lease.record.requester)
    await lease.settle(receipt ?? null)
  }

  async function stale(): Promise<void> {
    if (lease.progress.ended !== null) await lease.settle(null)
    else await lease.requestStop('stale')
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
  const deafen = lease.onEndpoints(() => early.abort())
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
