import type { Clock } from '../../node/clock.ts'
import { GatewayError } from '../http/errors.ts'
import type { Principal } from '../http/principal.ts'
import type { KeyRing } from './key-ring.ts'
import type { Sessions } from './sessions.ts'

/** How often it is looked whose time is up, in ms. What is revoked is ended at once. */
const LOOK_MS = 1_000

/** Code and reason with which a WebSocket is closed that nobody stands behind any more. */
export const NO_LONGER = [1008, 'the key or the session behind this is no more'] as const

/** What a request is answered that nobody stands behind any more. */
export function noLonger(): GatewayError {
  return new GatewayError('UNAUTHORIZED', 'The key or the session behind this was ended meanwhile')
}

/** What stays open on behalf of somebody: streams, sockets, tunnels. It ends with the key or the session behind it. */
export interface Holds {
  /**
   * Calls `end` once when the key was revoked or is too old, or the session is over.
   * @returns how to say that it has ended by itself
   */
  keep(principal: Principal, end: () => void): () => void
  /** Whether the key and the session behind somebody are still good. */
  stands(principal: Principal): boolean
  /** Ends what has nobody behind it any more. */
  look(): void
  /** Looks every second. */
  run(signal: AbortSignal): Promise<void>
  /** Ends everything, and what comes later at once: the gateway stops. */
  stop(): void
}

/** What is revoked is ended by `look`; `run` also ends, within a second, what has expired. */
export function createHolds(components: {
  keys: Pick<KeyRing, 'get'>
  sessions: Pick<Sessions, 'isOver'>
  /** Reviewed at each look, too. */
  streams: { review(): void }
  clock: Clock
}): Holds {
  const { keys, sessions, streams, clock } = components
  let stopped = false
  const open = new Set<{ principal: Principal; end: () => void }>()

  function stands({ via, keyId, session }: Principal): boolean {
    if (via === 'loopback') return true
    return keys.get(keyId) !== undefined && (session === undefined || !sessions.isOver(session))
  }

  function look(): void {
    for (const hold of [...open]) {
      if (stands(hold.principal) || !open.delete(hold)) continue
      hold.end()
    }
    streams.review()
  }

  return {
    stop() {
      stopped = true
      for (const hold of [...open]) if (open.delete(hold)) hold.end()
    },
    stands,
    look,
    keep(principal, end) {
      if (stopped) queueMicrotask(end) // whoever keeps it is in the midst of opening it
      const hold = { principal, end }
      open.add(hold)
      return () => {
        open.delete(hold)
      }
    },
    async run(signal) {
      while (!signal.aborted) {
        look()
        await clock.sleep(LOOK_MS, signal).catch(() => undefined) // stopped: the loop ends
      }
    },
  }
}
