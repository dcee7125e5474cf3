import type { Clock } from '../../../node/clock.ts'
import { encode } from '../../../protocol/codec.ts'
import { toWireEndpoints } from '../../../protocol/endpoints.ts'
import { LeaseMessageSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import type { Lease } from '../lease.ts'

/** What {@link createHeartbeats} works with. */
export interface HeartbeatsComponents {
  clock: Clock
  lease: Lease
  /** Has the engine asked whether its container runs, and its meter told. */
  look: (lease: Lease, signal: AbortSignal) => Promise<void>
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
  { clock, lease, look, send, heardMs }: HeartbeatsComponents,
  init: { heartbeatMs: number; silenceMs: number },
  open: AbortSignal,
): Heartbeats {
  /** Each that the requester has not answered, by its number: when it was sent, monotonic, in ms, and what it told. */
  const beats = new Map<number, { sentMs: number; isIdle: boolean }>()
  let lastBeat = 0
  let early = new AbortController()

  return {
    /**
     * None says more than the engine does: this process may be held up, with its machine asleep or busy, and so may the
     * engine, and the end of the container is heard of long after it.
     */
    async run(): Promise<void> {
      while (!open.aborted) {
        if (lease.meter.running) await look(lease, open)
        const meteredMs = BigInt(Math.trunc(lease.tellableMs))
        lease.told(Number(meteredMs))
        lastBeat += 1
        beats.set(lastBeat, { sentMs: clock.monotonicMs(), isIdle: meteredMs === 0n })
        const { endpoints, health } = lease.condition
        const condition = { endpoints: toWireEndpoints([...endpoints]), containerHealth: health ?? '' }
        const networkBytes = BigInt(lease.traffic.billableBytes)
        const value = { meteredMs, networkBytes, number: lastBeat, ...condition }
        await send(encode(LeaseMessageSchema, { content: { case: 'heartbeat', value } }))
        // Aborted: the loop ends, or there is something new to tell.
        early = new AbortController()
        await clock.sleep(init.heartbeatMs, AbortSignal.any([open, early.signal])).catch(() => undefined)
        if (clock.monotonicMs() - heardMs() > init.silenceMs) throw new Error('The requester is silent')
      }
    },
    /** The requester had heard this one when it wrote; when it wrote nobody can tell, so the lease runs from the sending. */
    answered(number) {
      const answered = beats.get(number)
      if (answered === undefined) return
      const known = [...beats].filter(([each]) => each <= number)
      for (const [each] of known) beats.delete(each)
      if (known.some(([, { isIdle }]) => isIdle)) lease.idleHeard()
      lease.touch(answered.sentMs)
    },
    hasten: () => early.abort(),
  }
}
