import type { PeerNetwork, TopicSubscriber } from '../../node/network/index.ts'

/** A peer whose announcements arrive by hand. */
export interface Listener {
  /** What its directory is to be built on. */
  network: PeerNetwork
  /** An announcement as it would arrive by gossip: checked by the directory, signature included. */
  hand(statement: Uint8Array, author: string): Promise<void>
}

/**
 * Announcements cost every peer a little, whoever listens; with all peers on one machine that would be all it does, so a
 * simulation hands them to the one directory that is asked.
 */
export function listenByHand(network: PeerNetwork): Listener {
  let directory: TopicSubscriber | undefined
  return {
    network: {
      ...network,
      subscribe(topic, subscriber) {
        if (topic === 'announcements') directory = subscriber
        network.subscribe(topic, subscriber)
      },
    },
    async hand(statement, author) {
      if ((await directory?.validate(statement, author)) === 'accept') directory?.deliver(statement, author)
    },
  }
}
