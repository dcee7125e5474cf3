import type { Duplex } from 'node:stream'
import type { Clock } from '../../node/clock.ts'
import type { KeyRing } from './key-ring.ts'
import type { Principal } from './principal.ts'

/** Whether who asked may still be told things, for what goes on after the answer has begun: it ends with its key. */
export function stillSignedIn(
  { keys, clock }: { keys: Pick<KeyRing, 'get'>; clock: Clock },
  { via, keyId, untilMs }: Principal,
): () => boolean {
  if (via === 'loopback') return () => true
  return () => keys.get(keyId) !== undefined && (untilMs === undefined || clock.nowMs() < untilMs)
}

/** Ends a connection that was taken over when the key behind it is revoked: nothing asks again while it is open. */
export function endWithKey(keys: Pick<KeyRing, 'onRevoked'>, mayGoOn: () => boolean, socket: Duplex): void {
  const end = () => {
    if (!mayGoOn()) socket.destroy()
  }
  socket.once('close', keys.onRevoked(end))
  end() // it may have been revoked on the way here
}
