import { encode } from '../../protocol/codec.ts'
import { ReachReplySchema } from '../../protocol/gen/cortex/v1/reach_pb.js'
import type { ReachRefusal } from '../../protocol/reach-messages.ts'

/** What the requester is told instead of being let in. */
export class ReachRefusedError extends Error {
  override readonly name = 'ReachRefusedError'
  readonly code: ReachRefusal

  constructor(code: ReachRefusal, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A reply that lets the requester in. */
export const WELCOME = encode(ReachReplySchema, { ok: true })
