import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { type Clock, systemClock } from '../../node/clock.ts'
import { silentLogger } from '../../node/logger.ts'
import { createLibp2pNetwork, type Libp2pNetwork } from '../../node/network/libp2p-network.ts'
import type { Libp2pNetworkInit } from '../../node/network/network-init.ts'
import { until } from './until.ts'

/** Starts a peer on a free port of the loopback address, and stops it with the test. */
export async function startPeer(
  test: TestContext,
  init: Partial<Libp2pNetworkInit> & { privateKey?: PrivateKey; clock?: Clock } = {},
): Promise<Libp2pNetwork> {
  const { privateKey = await generateKeyPair('Ed25519'), clock = systemClock, ...rest } = init
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const peer = createLibp2pNetwork({ privateKey, clock, logger: silentLogger }, { network: 'test', listen, ...rest })
  test.after(() => peer.stop())
  await peer.start()
  return peer
}

/** Peers that are all connected to the first. */
export async function startPeers(test: TestContext, count: number): Promise<Libp2pNetwork[]> {
  const first = await startPeer(test)
  const others: Libp2pNetwork[] = []
  for (let index = 1; index < count; index += 1) others.push(await startPeer(test, { bootstrap: first.addresses() }))
  await until(() => first.counters().listeners.requests === count - 1 && others.every((peer) => isJoined(peer)))
  return [first, ...others]
}

/** Whether gossip goes both ways between the peer and a neighbour. */
export function isJoined(peer: Libp2pNetwork): boolean {
  const { announcements, requests } = peer.counters().listeners
  return announcements > 0 && requests > 0
}

/**
 * Says something several times a second until it has shown effect: a newcomer that does not know the speaker hears it
 * from the next heartbeat of those between on, up to a second later. @param say is given a number from 1 to 250
 */
export async function sayUntil(condition: () => boolean, say: (id: number) => Promise<void>): Promise<void> {
  let id = 0
  await until(async () => {
    if (condition()) return true
    id = (id % 250) + 1
    await say(id)
    await delay(100)
    return false
  })
}
