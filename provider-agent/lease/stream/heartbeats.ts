import type { Clock } from '../../../node/clock.ts'
import { encode } from '../../../protocol/codec.ts'
import { toWireEndpoints } from '../../../protocol/endpoints.ts'
import { LeaseMessageSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import type { Lease } from '../lease.ts'

/** How late a heartbeat may be, in ms, before this process counts as held up. */
const HELD_UP_MS = 1_000
/** What {@link createHeartbeats} works with. */
export interface HeartbeatsComponents {
  clock: Clock
  lease: Lease
  send: (message: Uint8Array) => Promise<void>
  /** When the requester was heard last; monotonic, ms. */
  heardMs: () => number
}

/** The heartbeats of one stream of a lease. */
export interface Heartbeats {
  /** Sends them until the stream is over. @throws where the requester is silent */
  run(): Promise<void>
  /** The requester answered this one. */
  answered(number: number): void
  /** There is something new to tell. */
  hasten(): void
}

/**
 * @param init.heartbeatMs time between two, in ms
 * @param init.silenceMs without a word for this long the requester is silent
 * @param open aborted when the stream is over
 */
export function createHeartbeats(
  { clock, lease, send, heardMs }: HeartbeatsComponents,
  init: { heartbeatMs: number; silenceMs: number },
  open: AbortSignal,
): Heartbeats {
  /** When each was sent that the requester has not answered, by its number. Monotonic, ms. */
  const beats = new Map<number, number>()
  let lastBeat = 0
  let early = new AbortController()

  return {
    /**
     * The first one after this process was held up, with its machine asleep or busy, repeats what the last one said: the
     * container may have ended meanwhile, and the engine is heard only now. The next one knows.
     */
    async run(): Promise<void> {
      let meteredMs = 0n
      let dueMs = clock.monotonicMs()
      for (let wasLate = false; !open.aborted; ) {
        const isLate = clock.monotonicMs() - dueMs > HELD_UP_MS
        if (!isLate || wasLate) meteredMs = BigInt(Math.trunc(lease.billableMs))
        lease.told(Number(meteredMs))
        wasLate = isLate
        lastBeat += 1
        beats.set(lastBeat, clock.monotonicMs())
        const { endpoints, health } = lease.condition
        const condition = { endpoints: toWireEndpoints([...endpoints]), containerHealth: health ?? '' }
        const value = { meteredMs, number: lastBeat, ...condition }
        await send(encode(LeaseMessageSchema, { content: { case: 'heartbeat', value } }))
        // Aborted: the loop ends, or there is something new to tell.
        early = new AbortController()
        dueMs = clock.monotonicMs() + init.heartbeatMs
        await clock.sleep(init.heartbeatMs, AbortSignal.any([open, early.signal])).catch(() => undefined)
        if (clock.monotonicMs() - heardMs() > init.silenceMs) throw new Error('The requester is silent')
      }
    },
    /** The requester had heard this one when it wrote; when it wrote nobody can tell, so the lease runs from the sending. */
    answered(number) {
      const sentMs = beats.get(number)
      if (sentMs === undefined) return
      for (const known of beats.keys()) if (known <= number) beats.delete(known)
      lease.touch(sentMs)
    },
    hasten: () => early.abort(),
  }
}
