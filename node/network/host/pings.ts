import type { AbortOptions, Connection } from '@libp2p/interface'
import { type Clock, systemClock } from '../../clock.ts'
import { deadline } from '../../deadline.ts'
import type { Logger } from '../../logger.ts'
import type { Host } from './create-host.ts'

/** How {@link pingConnections} goes about it. */
export interface PingInit {
  logger: Logger
  clock?: Clock
  /** Between two pings on a connection, in ms. */
  intervalMs: number
  /** How long an answer may take, in ms. @default {@link PING_TIMEOUT_MS} */
  timeoutMs?: number
  /** Ends it. */
  signal: AbortSignal
}

/** What yamux has and libp2p's interface of a connection does not show: one frame there and one back. */
interface Pinged extends Connection {
  muxer?: { ping?(options: AbortOptions): Promise<number> }
}

/** A busy machine may take seconds to answer; a dead one is noticed by its lease long before. */
const PING_TIMEOUT_MS = 20_000

/**
 * Measures the round trip of each connection when it opens and then every so often, and ends those that do not answer.
 * libp2p's own monitor opens a stream for each ping, agrees on a protocol and notes it in the peer store at both ends:
 * ten times the work (docs/decisions/0037-pings-of-the-muxer.md), and most of what an idle peer with many neighbours does.
 */
export function pingConnections(host: Host, init: PingInit): void {
  const { logger, clock = systemClock, intervalMs, timeoutMs = PING_TIMEOUT_MS, signal } = init
  const ping = async (connection: Pinged): Promise<void> => {
    const { muxer } = connection
    if (connection.status !== 'open' || muxer?.ping === undefined) return
    const limit = deadline(clock, timeoutMs, signal)
    try {
      connection.rtt = await muxer.ping({ signal: limit.signal })
    } catch (error) {
      if (signal.aborted || connection.status !== 'open') return
      logger.debug({ error, peer: connection.remotePeer.toString() }, 'a connection does not answer')
      connection.abort(new Error('It does not answer', { cause: error }))
    } finally {
      limit.clear()
    }
  }
  host.addEventListener('connection:open', ({ detail }) => void ping(detail))
  const repeat = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(intervalMs, signal)
      for (const connection of host.getConnections()) void ping(connection)
    }
  }
  repeat().catch(() => undefined) // the signal
}
