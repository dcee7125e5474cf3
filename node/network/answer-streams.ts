import { WireError } from '../../protocol/wire-error.ts'
import type { Clock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import type { Logger } from '../logger.ts'
import type { Channel, ChannelHandler, HandleOptions, PeerNetwork } from './index.ts'

/** On whose behalf streams are answered. */
export interface StreamServer {
  network: Pick<PeerNetwork, 'handle' | 'penalise'>
  logger: Logger
  /** Says in penalties and logs what the streams are for, e.g. `award`. */
  name: string
}

/**
 * Answers the streams of a protocol. One whose `answer` fails is ended for both sides, and a peer whose message was wrong
 * is to blame. What arrives counts against the budget of bytes, unless the options say `bulk`.
 */
export function answerStreams(
  server: StreamServer,
  protocol: string,
  options: HandleOptions,
  answer: ChannelHandler,
): void {
  const handler: ChannelHandler = async (channel, peer) => {
    try {
      await answer(channel, peer)
    } catch (error) {
      failStream(server, error, channel, peer)
    }
  }
  server.network.handle(protocol, handler, options)
}

/** Ends a stream that failed, whoever opened it. @param channel null where it was never opened */
export function failStream(
  { network, logger, name }: StreamServer,
  error: unknown,
  channel: Channel | null,
  peer: string,
): void {
  if (error instanceof WireError) network.penalise(peer, `${name}: ${error.code}`)
  logger.debug({ peer, error, stream: name }, 'a stream failed')
  channel?.abort(error instanceof Error ? error : new Error(String(error)))
}

/** The next message, as {@link Channel.receive}; rejects where it takes longer than `ms`. */
export async function receiveWithin(
  channel: Channel,
  { clock, ms, signal }: { clock: Clock; ms: number; signal?: AbortSignal },
): Promise<Uint8Array | null> {
  const limit = deadline(clock, ms, signal)
  return await channel.receive({ signal: limit.signal }).finally(limit.clear)
}
