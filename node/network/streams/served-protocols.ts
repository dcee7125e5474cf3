import type { Connection, Stream } from '@libp2p/interface'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { createRateBudget, type RateBudgetInit } from '../../rate-budget.ts'
import { type ByteRates, createByteBudget } from '../bounds/byte-budget.ts'
import type { Refusals } from '../bounds/refusals.ts'
import { createUnreadBudget, type UnreadAccount } from '../bounds/unread-budget.ts'
import type { Conduct } from '../connections/conduct.ts'
import { MAX_OUTBOUND_STREAMS } from '../connections/dialler.ts'
import type { Places } from '../connections/places.ts'
import type { Host } from '../host/create-host.ts'
import type { Channel, ChannelHandler, HandleOptions } from '../index.ts'
import { createChannel } from './channel.ts'

const STREAM_RATE: RateBudgetInit = { own: 10_000, total: 30_000, spanMs: 10_000 }
const DEFAULT_INBOUND_STREAMS = 32

/** What {@link createServedProtocols} works with. */
export interface ServedProtocolsComponents {
  conduct: Conduct
  places: Pick<Places, 'used'>
  refusals: Refusals
  clock: Clock
  logger: Logger
  /** Undefined while there is none. */
  host: () => Host | undefined
  /** Aborts when the host stops that runs now. */
  life: () => AbortSignal
}

/** The protocols that this peer answers, and the channels over their streams, bounded in number and in bytes. */
export interface ServedProtocols {
  /** Answers it from now on, or once there is a host. */
  handle(protocol: string, handler: ChannelHandler, options: HandleOptions): void
  /** Answers them all on a new host. */
  serve(): Promise<void>
  /** Over a stream that this peer opened. */
  channel(stream: Stream, peer: string, maxMessageBytes: number, signal: AbortSignal): Channel
}

/** @param init.streamRate streams that one peer may open, and all. @default 10_000 and 30_000 in 10 s */
export function createServedProtocols(
  components: ServedProtocolsComponents,
  init: { streamRate: RateBudgetInit | undefined; byteRate: ByteRates['streams'] },
): ServedProtocols {
  const { conduct, places, refusals, clock, logger, host, life } = components
  const streams = createRateBudget({ clock }, init.streamRate ?? STREAM_RATE)
  const bytes = createByteBudget(
    { clock, refusals, penalise: conduct.penalise },
    { name: 'streams', rate: init.byteRate },
  )
  const unread = createUnreadBudget({ cutOff: conduct.heldTooMuch })
  const handlers = new Map<string, { handler: ChannelHandler; options: HandleOptions }>()

  /** Cuts the stream where the peer has sent more than it may. */
  function counted(account: UnreadAccount, stream: Stream, peer: string): UnreadAccount {
    return {
      ...account,
      add(more) {
        account.add(more)
        if (more > 0 && !bytes.take(peer, more)) stream.abort(new Error('More bytes than a peer may send'))
      },
    }
  }

  function channelOf(
    stream: Stream,
    peer: string,
    { maxMessageBytes, account, signal }: { maxMessageBytes: number; account: UnreadAccount; signal: AbortSignal },
  ): Channel {
    const onTooLong = (): void => conduct.penalise(peer, 'message: TOO_LARGE')
    return createChannel(stream, { maxMessageBytes, signal, account, onTooLong })
  }

  async function register(protocol: string): Promise<void> {
    const entry = handlers.get(protocol)
    if (entry === undefined) return
    const { handler, options } = entry
    const onStream = (stream: Stream, connection: Connection): void => {
      const peer = connection.remotePeer.toString()
      if (streams.take(peer) !== 'taken') {
        refusals.count('streams')
        stream.abort(new Error('Streams are opened too often'))
        return
      }
      places.used(peer)
      const account = options.bulk === true ? unread.open(peer) : counted(unread.open(peer), stream, peer)
      const channel = channelOf(stream, peer, { ...options, account, signal: life() })
      // a promise given back would hold libp2p's negotiation
      handler(channel, peer).catch((error: unknown) => {
        logger.warn({ error, peer, protocol }, 'a stream handler failed')
        channel.abort(error instanceof Error ? error : new Error(String(error)))
      })
    }
    await host()?.handle(protocol, onStream, {
      maxInboundStreams: options.maxInboundStreams ?? DEFAULT_INBOUND_STREAMS,
      maxOutboundStreams: MAX_OUTBOUND_STREAMS,
      runOnLimitedConnection: true,
      force: true,
    })
  }

  return {
    handle(protocol, handler, options) {
      handlers.set(protocol, { handler, options })
      register(protocol).catch((error: unknown) => logger.error({ error, protocol }, 'cannot handle a protocol'))
    },
    async serve() {
      await Promise.all([...handlers.keys()].map(register))
    },
    channel: (stream, peer, maxMessageBytes, signal) =>
      channelOf(stream, peer, { maxMessageBytes, account: unread.open(peer), signal }),
  }
}
