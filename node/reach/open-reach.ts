import type { MessageInitShape } from '@bufbuild/protobuf'
import { encode } from '../../protocol/codec.ts'
import { ReachHelloSchema, type ReachReply } from '../../protocol/gen/cortex/v1/reach_pb.js'
import { MAX_REACH_MESSAGE_BYTES } from '../../protocol/limits.ts'
import { REACH_REFUSALS, type ReachRefusal, readReachReply } from '../../protocol/reach-messages.ts'
import type { Clock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import type { Channel, PeerNetwork } from '../network/index.ts'
import type { Lease } from '../store/index.ts'
import { ReachError } from './index.ts'

/** How long a provider may take to let us in, in ms: it may have to dial a container that does not answer. */
const REPLY_MS = 20_000

/** Opens a stream to the provider of a running job, and waits to be let in. */
export type Enter = (
  jobId: string,
  protocol: string,
  content: HelloContent,
  signal: AbortSignal,
  replyMs?: number,
) => Promise<{ channel: Channel; reply: ReachReply }>

type HelloContent = NonNullable<MessageInitShape<typeof ReachHelloSchema>['content']>

/**
 * Opens a stream to the provider of a lease, and waits to be let in.
 * @throws {ReachError}
 */
export async function openReach(
  { network, clock }: { network: PeerNetwork; clock: Clock },
  to: {
    jobId: string
    lease: Pick<Lease, 'provider' | 'addresses' | 'fence'>
    protocol: string
    content: HelloContent
    signal: AbortSignal
    /** @default REPLY_MS */
    replyMs?: number
  },
): Promise<{ channel: Channel; reply: ReachReply }> {
  const { jobId, protocol, content, signal, replyMs = REPLY_MS } = to
  const { provider, addresses, fence } = to.lease
  const limit = deadline(clock, replyMs, signal)
  let channel: Channel | null = null
  try {
    channel = await network.open(provider, protocol, { addresses, signal, maxMessageBytes: MAX_REACH_MESSAGE_BYTES })
    await channel.send(encode(ReachHelloSchema, { jobId, fence, content }))
    const bytes = await channel.receive({ signal: limit.signal })
    if (bytes === null) throw new Error('The provider closed the stream')
    const reply = readReachReply(bytes)
    if (!reply.ok) throw refusalOf(reply)
    return { channel, reply }
  } catch (cause) {
    channel?.abort(cause instanceof Error ? cause : new Error(String(cause)))
    signal.throwIfAborted()
    if (cause instanceof ReachError) throw cause
    throw new ReachError('UNREACHABLE', 'The job’s provider cannot be reached: try again when it is back', { cause })
  } finally {
    limit.clear()
  }
}

/** What a provider's refusal says, as an error. */
export function refusalOf({ code, message }: ReachReply): ReachError {
  const known = (REACH_REFUSALS as readonly string[]).includes(code)
  return new ReachError(known ? (code as ReachRefusal) : 'FAILED', message === '' ? 'The provider refuses' : message)
}
