import { peerIdFromString } from '@libp2p/peer-id'
import { monotonicFactory } from 'ulid'

const nextUlid = monotonicFactory()

const JOB_ID = /^job_[0-9a-z]{12,40}$/

/** Base58 of an Ed25519 key: the length is fixed, so longer text is never decoded. */
const PEER_ID = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/

/** A new job id: `job_` and a lower-case ULID, so that ids sort by creation, also within one millisecond. */
export function newJobId(nowMs: number): string {
  return `job_${nextUlid(nowMs).toLowerCase()}`
}

export function isJobId(text: string): boolean {
  return JOB_ID.test(text)
}

/** Whether the text is the peer id of an Ed25519 key, e.g. `12D3KooW…`: the only keys that this network takes. */
export function isPeerId(text: string): boolean {
  if (!PEER_ID.test(text)) return false
  try {
    return peerIdFromString(text).type === 'Ed25519'
  } catch {
    return false // not the base58 of a key: the answer is no, whatever the reason
  }
}

/** Length in bytes of request and bid ids: random, never guessed, never met twice. */
export const RANDOM_ID_BYTES = 16
