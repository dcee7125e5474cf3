import type { Clock } from '../../node/clock.ts'
import { GatewayError } from '../http/errors.ts'
import type { Principal } from '../http/principal.ts'
import type { KeyRing } from './key-ring.ts'
import type { Sessions } from './sessions.ts'

/** How often it is enforced on those whose time is up, in ms. What is revoked is ended at once. */
const ENFORCE_MS = 1_000

/** Code and reason with which a WebSocket is closed that nobody stands behind any more. */
export const REVOKED_CLOSE = [1008, 'the key or the session behind this is no more'] as const

/** What a request is answered that nobody stands behind any more. */
export function revokedError(): GatewayError {
  return new GatewayError('UNAUTHORIZED', 'The key or the session behind this was ended meanwhile')
}

/** Ends what is under way on behalf of somebody, streams, sockets, tunnels, with the key or the session behind it. */
export interface Revocation {
  /**
   * Calls `end` once when the key was revoked or is too old, or the session is over.
   * @returns how to say that it has ended by itself
   */
  watch(principal: Principal, end: () => void): () => void
  /** Whether the key and the session behind somebody are still good. */
  isValid(principal: Principal): boolean
  /** Ends what has nobody behind it any more. */
  enforce(): void
  /** Enforces it every second. */
  run(signal: AbortSignal): Promise<void>
  /** Ends everything, and what comes later at once: the gateway stops. */
  stop(): void
}

/** What is revoked is ended by `enforce`; `run` also ends, within a second, what has expired. */
export function createRevocation(components: {
  keys: Pick<KeyRing, 'get'>
  sessions: Pick<Sessions, 'isOver'>
  /** Reviewed each time, too. */
  streams: { review(): void }
  clock: Clock
}): Revocation {
  const { keys, sessions, streams, clock } = components
  let stopped = false
  const watched = new Set<{ principal: Principal; end: () => void }>()

  function isValid({ via, keyId, session }: Principal): boolean {
    if (via === 'loopback') return true
    return keys.get(keyId) !== undefined && (session === undefined || !sessions.isOver(session))
  }

  function enforce(): void {
    for (const one of [...watched]) {
      if (isValid(one.principal) || !watched.delete(one)) continue
      one.end()
    }
    streams.review()
  }

  return {
    stop() {
      stopped = true
      for (const one of [...watched]) if (watched.delete(one)) one.end()
    },
    isValid,
    enforce,
    watch(principal, end) {
      if (stopped) queueMicrotask(end) // whoever watches it is in the midst of opening it
      const one = { principal, end }
      watched.add(one)
      return () => {
        watched.delete(one)
      }
    },
    async run(signal) {
      while (!signal.aborted) {
        enforce()
        await clock.sleep(ENFORCE_MS, signal).catch(() => undefined) // stopped: the loop ends
      }
    },
  }
}
