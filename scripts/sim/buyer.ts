import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../../node/clock.ts'
import { createDirectory } from '../../node/directory/directory.ts'
import { silentLogger } from '../../node/logger.ts'
import { createRequester, type RunningRequester } from '../../node/market/requester.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import type { Database } from '../../node/store/database.ts'
import type { JobStore } from '../../node/store/index.ts'
import { openJobStore } from '../../node/store/job-store.ts'
import { createSecretBox } from '../../node/store/secret-box.ts'
import { listenByHand } from './announcements.ts'
import { countTraffic, noTraffic, type Traffic } from './counted-network.ts'
import { MARKET } from './seller.ts'

/** The node that submits all jobs. */
export interface Buyer {
  requester: RunningRequester
  store: JobStore
  /** Hands it an announcement as gossip would bring it. */
  hand(statement: Uint8Array, author: string): Promise<void>
  traffic: Traffic
  known(): number
  stop(): Promise<void>
}

export interface BuyerInit {
  clock: Clock
  network: PeerNetwork
  privateKey: PrivateKey
  /** Of its store; closed with it. */
  database: Database
}

/** A client node's parts over a network that counts. */
export async function startBuyer(init: BuyerInit): Promise<Buyer> {
  const { clock, privateKey, database } = init
  const traffic = noTraffic()
  const { network, hand } = listenByHand(countTraffic(init.network, traffic))
  const logger = silentLogger
  const store = await openJobStore({ database, secretBox: createSecretBox('simulation'), clock, logger })
  const directory = createDirectory({ network, clock, logger }, { networkName: MARKET })
  const requester = createRequester({ network, networkName: MARKET, privateKey, directory, store, clock, logger })
  await directory.start()
  await requester.start()
  return {
    ...{ requester, store, hand, traffic },
    known: () => directory.list().filter(({ status }) => status === 'online').length,
    async stop() {
      await requester.stop()
      await directory.stop()
      await store.close()
      await database.close()
    },
  }
}
