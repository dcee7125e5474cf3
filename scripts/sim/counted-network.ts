import type { Channel, PeerNetwork } from '../../node/network/index.ts'

/** What one peer said and heard, in whole messages of the protocol: streams and gossip, without what libp2p adds. */
export interface Traffic {
  sent: number
  received: number
  sentBytes: number
  receivedBytes: number
}

export function noTraffic(): Traffic {
  return { sent: 0, received: 0, sentBytes: 0, receivedBytes: 0 }
}

/** The same network, whose messages are counted into `traffic`. A broadcast counts once for each neighbour it goes to. */
export function countTraffic(network: PeerNetwork, traffic: Traffic): PeerNetwork {
  const sent = (bytes: number, copies = 1): void => {
    traffic.sent += copies
    traffic.sentBytes += copies * bytes
  }
  const received = (bytes: number): void => {
    traffic.received += 1
    traffic.receivedBytes += bytes
  }
  const counted = (channel: Channel): Channel => ({
    ...channel,
    async send(message) {
      sent(message.byteLength)
      await channel.send(message)
    },
    async receive(options) {
      const message = await channel.receive(options)
      if (message !== null) received(message.byteLength)
      return message
    },
  })
  return {
    ...network,
    async publish(topic, data) {
      sent(data.byteLength, network.counters().listeners[topic])
      await network.publish(topic, data)
    },
    subscribe: (topic, subscriber) =>
      network.subscribe(topic, {
        validate: (data, author) => subscriber.validate(data, author),
        deliver(data, author) {
          received(data.byteLength)
          subscriber.deliver(data, author)
        },
      }),
    open: async (peer, protocol, options) => counted(await network.open(peer, protocol, options)),
    handle: (protocol, handler, options) =>
      network.handle(protocol, async (channel, peer) => await handler(counted(channel), peer), options),
  }
}
