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
