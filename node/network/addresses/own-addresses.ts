import { CODE_P2P } from '@multiformats/multiaddr'
import { abortedWithin } from '../../abort.ts'
import type { Host } from '../host/create-host.ts'

/** How often the machine is looked at for other addresses, in ms: nothing tells of them. */
const LOOK_MS = 2_000

/** How long a peer may take to answer after the address that it was reached from is gone, in ms. */
const ANSWER_MS = 3_000

/**
 * Calls back when the addresses of this peer are others than before: a laptop in another network, a relay won or lost.
 * Where one is gone, so may be connections from it, which nobody notices before a ping is due: each is tried, and what
 * does not answer is given up, so that it is dialled anew.
 *
 * @returns looks at once
 */
export function watchOwnAddresses(host: Host, onChange: () => void, signal: AbortSignal): () => void {
  host.services.open.confirm()
  let told = host.getMultiaddrs().map(String)

  const look = (): void => {
    if (signal.aborted) return
    host.services.open.confirm()
    const own = host.getMultiaddrs()
    const texts = own.map(String)
    if (texts.length === told.length && texts.every((text) => told.includes(text))) return
    const isOneGone = told.some((text) => !texts.includes(text) && !text.includes('/p2p-circuit'))
    told = texts
    // tells those who are connected
    const multiaddrs = own.map((address) => address.decapsulateCode(CODE_P2P))
    void host.peerStore.patch(host.peerId, { multiaddrs }).catch(() => undefined) // stopped
    if (isOneGone) for (const peer of host.getPeers()) void tryOut(peer)
    onChange()
  }

  const tryOut = async (peer: ReturnType<Host['getPeers']>[number]): Promise<void> => {
    const connections = host.getConnections(peer)
    try {
      await host.services.ping.ping(peer, { signal: abortedWithin(ANSWER_MS, signal) })
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error))
      for (const connection of connections) connection.abort(reason)
    }
  }

  const timer = setInterval(look, LOOK_MS)
  timer.unref()
  signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  return look
}
