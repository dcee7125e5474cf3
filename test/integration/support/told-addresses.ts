/** A peer that listens on all addresses of this machine: prints the hosts that it tells others of. */

import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { silentLogger } from '../../../node/logger.ts'
import { createLibp2pNetwork } from '../../../node/network/libp2p-network.ts'

const privateKey = await generateKeyPair('Ed25519')
const peer = createLibp2pNetwork(
  { privateKey, logger: silentLogger },
  { network: 'told', listen: process.argv.slice(2) },
)
await peer.start()
const hosts = peer.addresses().map((address) => multiaddr(address).getComponents()[0]?.value)
process.stdout.write(JSON.stringify([...new Set(hosts)].toSorted()))
await peer.stop()
