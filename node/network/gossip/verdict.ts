import { WireError } from '../../../protocol/wire-error.ts'
import type { TopicSubscriber, Verdict } from '../index.ts'

/** What is made of a message, and why. */
export interface Judgement {
  verdict: Verdict
  /** Why it was not accepted; null where it was. */
  reason: string | null
  /** Thrown by the subscriber and no statement about the message: a fault of this program. */
  fault?: unknown
}

/** What a subscriber says of a message. One that arrives late or twice is nobody's fault, other errors are the sender's. */
export async function judge(subscriber: TopicSubscriber, data: Uint8Array, author: string): Promise<Judgement> {
  try {
    const verdict = await subscriber.validate(data, author)
    return { verdict, reason: verdict === 'accept' ? null : `VALIDATOR_${verdict.toUpperCase()}` }
  } catch (error) {
    if (!(error instanceof WireError)) return { verdict: 'ignore', reason: 'VALIDATOR_FAILED', fault: error }
    const late = error.code === 'STALE' || error.code === 'REPLAYED'
    return { verdict: late ? 'ignore' : 'reject', reason: error.code }
  }
}
