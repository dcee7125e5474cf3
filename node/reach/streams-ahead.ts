import { onAbort } from '../abort.ts'
import type { Channel, OpenOptions, PeerNetwork } from '../network/index.ts'

/** How long a stream waits for its first message, in ms: less than half of the 10 s after which a provider ends it. */
const WAIT_MS = 4_000

/** Streams that wait or are being opened, one at each provider; beyond, none is opened ahead. */
const MAX_WAITING = 64

type Opens = Pick<PeerNetwork, 'open'>

/**
 * Opens streams as the network does, and another one after each, so that the next finds its protocol agreed on: a round
 * trip less. One that nobody needs ends after {@link WAIT_MS}; before the first, none is opened. What broke while it
 * waited says so at its first message.
 */
export function createStreamsAhead(network: Opens): Opens {
  /** Null while it is being opened. */
  const waiting = new Map<string, Channel | null>()

  async function openAhead(name: string, ...[peer, protocol, options]: Parameters<Opens['open']>): Promise<void> {
    if (waiting.has(name) || waiting.size >= MAX_WAITING) return
    waiting.set(name, null)
    try {
      const { signal: _, ...rest } = options
      const channel = await network.open(peer, protocol, rest)
      waiting.set(name, channel)
      setTimeout(() => {
        if (waiting.get(name) !== channel) return
        waiting.delete(name)
        channel.abort(new Error('Nobody needed it'))
      }, WAIT_MS).unref()
    } catch {
      waiting.delete(name) // the next one is opened when it is asked for, and says why not
    }
  }

  /** Null where none is ready. */
  function take(name: string, { signal }: OpenOptions): Channel | null {
    const channel = waiting.get(name)
    if (channel === null || channel === undefined) return null
    waiting.delete(name)
    if (signal !== undefined) onAbort(signal, () => channel.abort(signal.reason))
    return channel
  }

  return {
    async open(peer, protocol, options) {
      const name = `${peer} ${protocol}`
      const channel = take(name, options) ?? (await network.open(peer, protocol, options))
      // After its first message.
      setImmediate(() => void openAhead(name, peer, protocol, options))
      return channel
    },
  }
}
