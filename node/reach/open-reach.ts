import type { MessageInitShape } from '@bufbuild/protobuf'
import { encode } from '../../protocol/codec.ts'
import { ReachHelloSchema, type ReachReply } from '../../protocol/gen/cortex/v1/reach_pb.js'
import { MAX_REACH_MESSAGE_BYTES } from '../../protocol/limits.ts'
import { REACH_REFUSALS, type ReachRefusal, readReachReply } from '../../protocol/reach-messages.ts'
import type { Clock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import { type Channel, type PeerNetwork, PeerUnreachableError } from '../network/index.ts'
import type { Lease } from '../store/index.ts'
import { ReachError } from './index.ts'

/** How long a provider may take to let us in, in ms: it may have to dial a container that does not answer. */
const REPLY_MS = 20_000

const OLDER =
  'The provider’s version is older, and does not offer this: ask its owner for an upgrade, or use another provider'

/** Opens a stream to the provider of a running job, and waits to be let in. */
export type Enter = (
  jobId: string,
  protocol: string,
  content: HelloContent,
  signal: AbortSignal,
  replyMs?: number,
) => Promise<Entered>

type HelloContent = NonNullable<MessageInitShape<typeof ReachHelloSchema>['content']>

/** A stream that was let in, and what was said to that. */
export interface Entered {
  channel: Channel
  reply: ReachReply
}

/**
 * Opens a stream to the provider of a lease, and waits to be let in.
 * @throws {ReachError}
 */
export async function openReach(
  components: { network: PeerNetwork; clock: Clock },
  to: {
    jobId: string
    lease: Pick<Lease, 'provider' | 'addresses' | 'fence'>
    protocol: string
    content: HelloContent
    signal: AbortSignal
    /** @default REPLY_MS */
    replyMs?: number
  },
): Promise<Entered> {
  const { jobId, content, lease, ...rest } = to
  return await enterWith(components, {
    ...{ ...rest, provider: lease.provider, addresses: lease.addresses },
    hello: encode(ReachHelloSchema, { jobId, fence: lease.fence, content }),
    away: 'The job’s provider cannot be reached: try again when it is back',
  })
}

/**
 * Opens a stream to a provider, and waits to be let in.
 * @throws {ReachError}
 */
export async function enterWith(
  { network, clock }: { network: PeerNetwork; clock: Clock },
  to: {
    provider: string
    addresses: string[]
    protocol: string
    /** The first message, which says to what. */
    hello: Uint8Array
    signal: AbortSignal
    /** Said where it is not reached. */
    away: string
    /** @default REPLY_MS */
    replyMs?: number | undefined
  },
): Promise<Entered> {
  const { provider, addresses, protocol, hello, signal, away, replyMs = REPLY_MS } = to
  const limit = deadline(clock, replyMs, signal)
  let channel: Channel | null = null
  try {
    channel = await network.open(provider, protocol, { addresses, signal, maxMessageBytes: MAX_REACH_MESSAGE_BYTES })
    await channel.send(hello)
    const bytes = await channel.receive({ signal: limit.signal })
    if (bytes === null) throw new Error('The provider closed the stream')
    const reply = readReachReply(bytes)
    if (!reply.ok) throw refusalOf(reply)
    return { channel, reply }
  } catch (cause) {
    channel?.abort(cause instanceof Error ? cause : new Error(String(cause)))
    signal.throwIfAborted()
    if (cause instanceof ReachError) throw cause
    const isOlder = cause instanceof PeerUnreachableError && cause.isOlder
    throw new ReachError('UNREACHABLE', isOlder ? OLDER : away, { cause })
  } finally {
    limit.clear()
  }
}

/** What a provider's refusal says, as an error. */
export function refusalOf({ code, message }: ReachReply): ReachError {
  const known = (REACH_REFUSALS as readonly string[]).includes(code)
  return new ReachError(known ? (code as ReachRefusal) : 'FAILED', message === '' ? 'The provider refuses' : message)
}
