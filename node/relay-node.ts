import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { systemClock } from './clock.ts'
import { createDirectory } from './directory/directory.ts'
import { loadIdentity } from './identity.ts'
import type { Logger } from './logger.ts'
import type { PeerNetwork } from './network/index.ts'
import { createLibp2pNetwork } from './network/libp2p-network.ts'
import { networkInit, type PeerInit } from './network/peer-init.ts'
import type { RelayLimits } from './network/relay-limits.ts'

/** What a relay is told beside what every peer is. */
export interface RelayNodeInit extends PeerInit {
  /** Folder of the identity. */
  dataFolder: string
  /** How much it gives to others. */
  relay: RelayLimits
}

/**
 * Starts a peer that helps others and trades nothing itself: those behind routers are reached over it, and newcomers hear
 * from it who is there.
 */
export async function startRelayNode(
  { logger }: { logger: Logger },
  init: RelayNodeInit,
): Promise<{ network: PeerNetwork; stop(): Promise<void> }> {
  await using stack = new AsyncDisposableStack()
  const privateKey = await loadIdentity(init.dataFolder)
  const network = createLibp2pNetwork({ privateKey, logger }, await networkInit({ ...init, stays: true }))
  const directory = createDirectory(
    { network, clock: systemClock, logger: logger.child({ part: 'directory' }) },
    { networkName: init.networkName },
  )
  await network.start()
  stack.defer(async () => await network.stop())
  await directory.start()
  stack.defer(async () => await directory.stop())
  const started = stack.move()
  return { network, stop: async () => await started.disposeAsync() }
}
