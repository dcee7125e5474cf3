import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../../node/clock.ts'
import { silentLogger as logger } from '../../node/logger.ts'
import { createLibp2pNetwork, type Libp2pNetwork } from '../../node/network/libp2p-network.ts'
import { MARKET } from './seller.ts'

/** A peer on a free port of the loopback address, not waited for to be connected. */
export async function joinReally(
  clock: Clock,
  bootstrap: string[],
): Promise<{ network: Libp2pNetwork; privateKey: PrivateKey }> {
  const privateKey = await generateKeyPair('Ed25519')
  const network = createLibp2pNetwork(
    { privateKey, logger, clock },
    // One machine does the work of all: what each does for itself every 10 s, it does every minute here.
    { network: MARKET, listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap, pingIntervalMs: 60_000 },
  )
  await network.start()
  return { network, privateKey }
}
