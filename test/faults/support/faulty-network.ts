/**
 * Stands before the network of a process under test. Points, in the order of a job's life:
 *
 * `requests:publish`, `requests:published` · `requests:heard` · `bid:send`, `bid:sent` · `bid:received` · `award:open`,
 * `award:send`, `award:sent` · `award:received` · `award-reply:send`, `award-reply:sent` · `award-reply:received` ·
 * `report:WHAT:send`, `report:WHAT:sent` · `report:WHAT:received` · `ack:send` · `last-ack:send`,
 * `last-ack:sent` · `last-ack:received`; WHAT is `pulling`, `started`, `logs`, `stats` or `ended`.
 */

import type { Channel, PeerNetwork } from '../../../node/network/index.ts'
import * as real from '../../../node/network/libp2p-network.ts'
import { decode } from '../../../protocol/codec.ts'
import {
  AwardMessageSchema,
  LeaseCommandSchema,
  LeaseMessageSchema,
} from '../../../protocol/gen/cortex/v1/market_pb.js'
import { Protocol } from '../../../protocol/topics.ts'
import { pass } from './fault-points.ts'

const MAX_BYTES = 2 ** 20

export function createLibp2pNetwork(
  ...args: Parameters<typeof real.createLibp2pNetwork>
): ReturnType<typeof real.createLibp2pNetwork> {
  const network = real.createLibp2pNetwork(...args)
  const changes: Partial<PeerNetwork> = {
    async publish(topic, data) {
      await pass(`${topic}:publish`)
      await network.publish(topic, data)
      await pass(`${topic}:published`)
    },
    subscribe(topic, subscriber) {
      network.subscribe(topic, {
        ...subscriber,
        async validate(data, author) {
          const verdict = await subscriber.validate(data, author)
          if (verdict === 'accept') await pass(`${topic}:heard`)
          return verdict
        },
      })
    },
    async open(peer, protocol, options) {
      // A release of a bid is no stage of a job.
      if (protocol === Protocol.award) await pass('award:open')
      return watched(await network.open(peer, protocol, options), protocol, 'dialled')
    },
    handle(protocol, handler, options) {
      network.handle(
        protocol,
        async (channel, peer) => await handler(watched(channel, protocol, 'called'), peer),
        options,
      )
    },
  }
  return Object.assign(Object.create(network), changes)
}

/** The channel, with a point before and after each of its messages. */
function watched(channel: Channel, protocol: string, side: 'dialled' | 'called'): Channel {
  return {
    async send(message) {
      const name = nameOf(protocol, side, message, 'send')
      if (name !== null) await pass(`${name}:send`)
      await channel.send(message)
      if (name !== null) await pass(`${name}:sent`)
    },
    async receive(options) {
      const message = await channel.receive(options)
      const name = message === null ? null : nameOf(protocol, side, message, 'receive')
      if (name !== null) await pass(`${name}:received`)
      return message
    },
    close: () => channel.close(),
    abort: (reason) => channel.abort(reason),
  }
}

/** What a message is called; null where it is none of interest. */
function nameOf(protocol: string, side: string, message: Uint8Array, way: 'send' | 'receive'): string | null {
  const isFirst = (side === 'dialled') === (way === 'send')
  if (protocol === Protocol.bid) return isFirst ? 'bid' : null
  if (protocol === Protocol.award) {
    if (!isFirst) return 'award-reply'
    return decode(AwardMessageSchema, message, MAX_BYTES).content.case === 'award' ? 'award' : null
  }
  return protocol === Protocol.lease ? leaseName(message, way) : null
}

/** Whether this process sells: then it sends reports and reads commands, else the other way round. */
const isProvider = process.argv[2] === 'agent'

function leaseName(message: Uint8Array, way: 'send' | 'receive'): string | null {
  if (isProvider === (way === 'send')) {
    const content = attempt(() => decode(LeaseMessageSchema, message, MAX_BYTES).content)
    return content?.case === 'report' ? `report:${content.value.content.case}` : null
  }
  const content = attempt(() => decode(LeaseCommandSchema, message, MAX_BYTES).content)
  if (content?.case !== 'ack') return null
  return content.value.receipt === undefined ? 'ack' : 'last-ack'
}

function attempt<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null // the first message, which only names the lease
  }
}
