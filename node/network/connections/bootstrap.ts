import { setTimeout as delay } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import pRetry from 'p-retry'
import { backoffMs } from '../../backoff.ts'
import type { Logger } from '../../logger.ts'
import type { Host } from '../host/create-host.ts'
import { brokeInHandshake } from '../startup-problems.ts'

/** The first wait after a failed dial and the longest, in ms; each doubles, half of it by chance. */
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 15_000

/** Tries after which a handshake that breaks off each time is told. */
const HANDSHAKES = 3

/** A connection that lasted less, in ms, was refused rather than lost: dialled again at once, it would be refused again. */
const SHORT_LIVED_MS = 5_000

/**
 * Keeps a connection to a bootstrap address until aborted. libp2p's own dials once and, with a keep-alive tag, five times
 * more; a network whose bootstrap node was away for a minute would fall apart. The address may lack a peer id: then
 * whoever answers there is taken.
 */
export async function keepConnected(
  host: Host,
  address: string,
  { logger, onTrouble = () => {} }: { logger: Logger; onTrouble: ((error: Error) => void) | undefined },
  signal: AbortSignal,
): Promise<void> {
  let isFirst = true
  const onFirstFailure = (error: Error): void => {
    if (isFirst && !signal.aborted) onTrouble(error)
    isFirst = false
  }
  try {
    for (let shortLived = 0; !signal.aborted; ) {
      const peer = await dialUntilConnected(host, address, { logger, onTrouble: onFirstFailure }, signal)
      if (peer === null || peer.equals(host.peerId)) return
      // spares it where libp2p prunes connections
      await host.peerStore.merge(peer, { tags: { bootstrap: { value: 100 } } })
      const sinceMs = performance.now()
      logger.info({ address, peer: peer.toString() }, 'connected to a bootstrap address')
      await disconnected(host, peer, signal)
      logger.info({ address, peer: peer.toString() }, 'lost a bootstrap connection')
      shortLived = performance.now() - sinceMs < SHORT_LIVED_MS ? shortLived + 1 : 0
      if (shortLived > 1)
        await delay(backoffMs(shortLived, { minMs: FIRST_WAIT_MS, maxMs: LONGEST_WAIT_MS }), undefined, { signal })
    }
  } catch (error) {
    if (!signal.aborted) logger.error({ error, address }, 'gave up a bootstrap address')
  }
}

/** Who answers there; null where that is this peer itself, as with the default address on the machine of a gateway. */
async function dialUntilConnected(
  host: Host,
  address: string,
  { logger, onTrouble }: { logger: Logger; onTrouble: (error: Error) => void },
  signal: AbortSignal,
): Promise<PeerId | null> {
  const target = multiaddr(address)
  return await pRetry(
    async () => {
      if (isOwn(host, address)) return null
      const connection = await host.dial(target, { signal })
      return connection.remotePeer
    },
    {
      signal,
      retries: Number.POSITIVE_INFINITY,
      minTimeout: FIRST_WAIT_MS,
      maxTimeout: LONGEST_WAIT_MS,
      randomize: true,
      onFailedAttempt: ({ error, attemptNumber, retryDelay }) => {
        if (attemptNumber >= HANDSHAKES || !brokeInHandshake(error)) onTrouble(error)
        const level = attemptNumber === 5 ? 'warn' : 'debug'
        logger[level]({ address, attemptNumber, retryDelay, reason: error.message }, 'cannot reach a bootstrap address')
      },
    },
  )
}

function isOwn(host: Host, address: string): boolean {
  return host
    .getMultiaddrs()
    .some((own) => own.toString() === address || own.decapsulate('/p2p').toString() === address)
}

async function disconnected(host: Host, peer: PeerId, signal: AbortSignal): Promise<void> {
  const gone = Promise.withResolvers<void>()
  const check = (): void => {
    if (signal.aborted || host.getConnections(peer).length === 0) gone.resolve()
  }
  host.addEventListener('peer:disconnect', check)
  signal.addEventListener('abort', check)
  check()
  try {
    await gone.promise
  } finally {
    host.removeEventListener('peer:disconnect', check)
    signal.removeEventListener('abort', check)
  }
}
