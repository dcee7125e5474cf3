import { peerIdFromString } from '@libp2p/peer-id'
import { decodeTime, monotonicFactory } from 'ulid'

const nextUlid = monotonicFactory()

/** The form of a job id. It is wider than what {@link newJobId} makes. */
export const JOB_ID = /^job_[0-9a-z]{12,40}$/

/** Base58 of an Ed25519 key: the length is fixed, so longer text is never decoded. */
const PEER_ID = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/

/** A new job id: `job_` and a lower-case ULID, so that ids sort by creation, also within one millisecond. */
export function newJobId(nowMs: number): string {
  return `job_${nextUlid(nowMs).toLowerCase()}`
}

/** Whether the text has the form of a job id, {@link JOB_ID}. */
export function isJobId(text: string): boolean {
  return JOB_ID.test(text)
}

/** What people write of a job's id, or of its beginning, as an id begins: `01K8…` and ` job_01k8…` are `job_01k8…`. */
export function jobIdOf(text: string): string {
  return `job_${text.trim().toLowerCase().replace(/^job_/, '')}`
}

/** A part of a ULID from its beginning: its first ten characters are the time in ms. */
const PART_OF_ID = /^job_(0[0-9a-hjkmnp-tv-z]{0,24})$/

/** When jobs were made whose ids begin so, in ms, both ends included; null where no id does, or where it is whole. */
export function jobIdRange(part: string): { fromMs: number; toMs: number } | null {
  const [, ulid] = PART_OF_ID.exec(part) ?? []
  if (ulid === undefined) return null
  const at = (fill: string): number => decodeTime(ulid.toUpperCase().padEnd(26, fill))
  return { fromMs: at('0'), toMs: at('Z') }
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
