import type { MessageInitShape } from '@bufbuild/protobuf'
import { encode } from '../../protocol/codec.ts'
import { ReachHelloSchema, type ReachReply } from '../../protocol/gen/cortex/v1/reach_pb.js'
import { MAX_REACH_MESSAGE_BYTES } from '../../protocol/limits.ts'
import { REACH_REFUSALS, type ReachRefusal, readReachReply } from '../../protocol/reach-messages.ts'
import { orAborted } from '../abort.ts'
import type { Clock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import { type Channel, ChannelBrokenError, type PeerNetwork, PeerUnreachableError } from '../network/index.ts'
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

/** Where {@link openReach} leads. */
export interface ReachTo {
  jobId: string
  lease: Pick<Lease, 'provider' | 'addresses' | 'fence'>
  protocol: string
  content: HelloContent
  signal: AbortSignal
  /** @default REPLY_MS */
  replyMs?: number
}

/** What streams are opened with. */
export interface EnterComponents {
  network: Pick<PeerNetwork, 'open'>
  clock: Clock
}

/**
 * Opens a stream to the provider of a lease, and waits to be let in.
 * @throws {ReachError}
 */
export async function openReach(components: EnterComponents, to: ReachTo): Promise<Entered> {
  return await enterWith(components, placeOf(to))
}

/**
 * The same without waiting for it: what is sent meanwhile goes along, and is lost where the provider does not let us in.
 * What is received before its reply is nothing; a refusal rejects {@link Channel.receive}.
 * @throws {ReachError} where there is no stream
 */
export async function openReachAtOnce(components: EnterComponents, to: ReachTo): Promise<Channel> {
  const begin = async (): ReturnType<typeof beginWith> => await beginWith(components, placeOf(to))
  const { channel, reply } = await begin().catch(async (error: unknown) => {
    // Opened a while ago, it may have broken before it was said what it is for.
    if (!(error instanceof ReachError && error.cause instanceof ChannelBrokenError)) throw error
    return await begin()
  })
  return {
    ...channel,
    async receive(options = {}) {
      await orAborted(reply, options.signal)
      return await channel.receive(options)
    },
  }
}

function placeOf({ jobId, content, lease, ...rest }: ReachTo): Place {
  return {
    ...{ ...rest, provider: lease.provider, addresses: lease.addresses },
    hello: encode(ReachHelloSchema, { jobId, fence: lease.fence, content }),
    away: 'The job’s provider cannot be reached: try again when it is back',
  }
}

interface Place {
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
}

/**
 * Opens a stream to a provider, and waits to be let in.
 * @throws {ReachError}
 */
export async function enterWith(components: EnterComponents, to: Place): Promise<Entered> {
  const { channel, reply } = await beginWith(components, to)
  return { channel, reply: await reply }
}

/** @throws {ReachError} */
async function beginWith(
  { network, clock }: EnterComponents,
  { provider, addresses, protocol, hello, signal, away, replyMs = REPLY_MS }: Place,
): Promise<{ channel: Channel; reply: Promise<ReachReply> }> {
  const limit = deadline(clock, replyMs, signal)
  let channel: Channel | null = null
  const fail = (cause: unknown): never => {
    limit.clear()
    channel?.abort(cause instanceof Error ? cause : new Error(String(cause)))
    signal.throwIfAborted()
    if (cause instanceof ReachError) throw cause
    const isOlder = cause instanceof PeerUnreachableError && cause.isOlder
    throw new ReachError('UNREACHABLE', isOlder ? OLDER : away, { cause })
  }
  const open = async (): Promise<Channel> => {
    channel = await network.open(provider, protocol, { addresses, signal, maxMessageBytes: MAX_REACH_MESSAGE_BYTES })
    await channel.send(hello)
    return channel
  }
  const opened = await open().catch(fail)
  const reply = replyOn(opened, limit.signal).catch(fail)
  reply.then(limit.clear, () => undefined) // whoever waits for it hears of it
  return { channel: opened, reply }
}

async function replyOn(channel: Channel, signal: AbortSignal): Promise<ReachReply> {
  const bytes = await channel.receive({ signal })
  if (bytes === null) throw new Error('The provider closed the stream')
  const reply = readReachReply(bytes)
  if (!reply.ok) throw refusalOf(reply)
  return reply
}

/** What a provider's refusal says, as an error. */
export function refusalOf({ code, message }: ReachReply): ReachError {
  const known = (REACH_REFUSALS as readonly string[]).includes(code)
  return new ReachError(known ? (code as ReachRefusal) : 'FAILED', message === '' ? 'The provider refuses' : message)
}
