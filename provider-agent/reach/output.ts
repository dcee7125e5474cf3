import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { Channel } from '../../node/network/index.ts'
import { encode } from '../../protocol/codec.ts'
import { ReachReplySchema } from '../../protocol/gen/cortex/v1/reach_pb.js'
import type { OutputSpool } from '../outputs/spool.ts'
import type { OutputOwner } from '../outputs/spool-folder.ts'
import { ReachRefusedError } from './refusal.ts'

/** How long the requester may take to say that it has stored everything, in ms. */
const CONFIRM_MS = 60_000

/** Sends a kept output from a byte on, and forgets it once the requester has it. @throws {ReachRefusedError} */
export async function serveOutput(
  { spool, clock }: { spool: OutputSpool; clock: Clock },
  channel: Channel,
  owner: OutputOwner,
  offset: number,
  signal: AbortSignal,
): Promise<void> {
  const kept = await spool.find(owner)
  if (kept === null) throw new ReachRefusedError('NO_OUTPUT', 'The provider keeps no output of this job')
  const { bytes, sha256 } = kept
  await channel.send(encode(ReachReplySchema, { ok: true, bytes: BigInt(bytes), sha256: Buffer.from(sha256, 'hex') }))
  if (offset < bytes) {
    for await (const chunk of await spool.read(owner, offset)) {
      signal.throwIfAborted()
      await channel.send(chunk as Buffer)
    }
  }
  const limit = deadline(clock, CONFIRM_MS, signal)
  const confirmed = await channel.receive({ signal: limit.signal }).finally(limit.clear)
  if (confirmed !== null) await spool.drop(owner)
}
