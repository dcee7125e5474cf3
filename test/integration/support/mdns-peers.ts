/** Three peers on one LAN, two of one network: prints how many each has found once the two know each other. */

import { generateKeyPair } from '@libp2p/crypto/keys'
import { silentLogger } from '../../../node/logger.ts'
import { createLibp2pNetwork, type Libp2pNetwork } from '../../../node/network/libp2p-network.ts'
import { until } from '../../support/until.ts'

async function start(network: string): Promise<Libp2pNetwork> {
  const privateKey = await generateKeyPair('Ed25519')
  const listen = ['/ip4/0.0.0.0/tcp/0']
  const peer = createLibp2pNetwork({ privateKey, logger: silentLogger }, { network, listen, mdns: true })
  await peer.start()
  return peer
}

const peers = [await start('one'), await start('two'), await start('one')]
await until(() => peers[0]?.peers().length === 1 && peers[2]?.peers().length === 1)
process.stdout.write(JSON.stringify(peers.map((peer) => peer.peers().length)))
await Promise.all(peers.map((peer) => peer.stop()))
