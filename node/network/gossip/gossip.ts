import type { GossipSub, Message } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { MAX_GOSSIP_BYTES } from '../../../protocol/limits.ts'
import { readAnnouncement, readRequest } from '../../../protocol/market-messages.ts'
import { type Topic, topicName } from '../../../protocol/topics.ts'
import { WireError } from '../../../protocol/wire-error.ts'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { createRateBudget, type RateBudgetInit } from '../../rate-budget.ts'
import type { Refusals } from '../bounds/refusals.ts'
import type { NetworkCounters, TopicSubscriber, Verdict } from '../index.ts'
import { createHeldMessages } from './held-messages.ts'
import { judge } from './verdict.ts'

/**
 * Messages of one author, and of all, that are taken. Counted by author and not by the neighbour that brought them, or a
 * flooder could spend an honest author's share. 200 jobs may be submitted at once, each asking in up to 4 rounds; all
 * together may cost about a core.
 */
const RATES: Record<Topic, RateBudgetInit> = {
  requests: { own: 1_000, total: 5_000, spanMs: 10_000 },
  // One every 15 s, and one at each change, which providers coalesce; 20 a second of all, and some to spare.
  announcements: { own: 20, total: 2_000, spanMs: 10_000 },
}

const TOPICS: Topic[] = ['announcements', 'requests']

/** With no more subscribers than this, everyone is told directly; with more, neighbours repeat it. */
const FLOOD_UP_TO = 32

/** Both topics of one network; see {@link PeerNetwork} for what others see of it. */
export interface Gossip {
  /** Takes over a running router. Topics that nobody here subscribed to are relayed, or they would end at this peer. */
  attach(pubsub: GossipSub, self: PeerId): void
  detach(): void
  /** Held for 5 s where nobody listens yet. Throws `RangeError` beyond {@link MAX_GOSSIP_BYTES}. */
  publish(topic: Topic, data: Uint8Array): Promise<void>
  subscribe(topic: Topic, subscriber: TopicSubscriber): void
  counters(): Pick<NetworkCounters, 'published' | 'delivered' | 'heard' | 'listeners'>
}

/** What {@link createGossip} works with. */
export interface GossipComponents {
  clock: Clock
  logger: Logger
  refusals: Refusals
  /** Told who said something that passed every check. @default nobody is */
  onAuthor?: (peer: string) => void
}

/** The topics of one network: checks before anything is forwarded, and publishing. */
export function createGossip(
  { clock, logger, refusals, onAuthor = () => {} }: GossipComponents,
  { network, byteRate }: { network: string; byteRate: RateBudgetInit },
): Gossip {
  const subscribers = new Map<Topic, TopicSubscriber>()
  const budgets = {
    requests: createRateBudget({ clock }, RATES.requests),
    announcements: createRateBudget({ clock }, RATES.announcements),
  }
  const bytes = createRateBudget({ clock }, byteRate)
  const held = createHeldMessages({ clock })
  const totals = { published: 0, delivered: 0 }
  const heard: Record<Topic, number> = { announcements: 0, requests: 0 }
  let pubsub: GossipSub | undefined
  let self: PeerId | undefined

  const refuse = (verdict: Verdict, reason: string): Verdict => {
    refusals.count(reason)
    return verdict
  }

  const check = async (topic: Topic, subscriber: TopicSubscriber, message: Message): Promise<Verdict> => {
    // strict signing lets no unsigned one through, but the types do not know
    if (message.type !== 'signed' || message.from.type !== 'Ed25519') return refuse('reject', 'KEY_TYPE')
    if (self?.equals(message.from)) return refuse('ignore', 'OWN')
    if (message.data.length > MAX_GOSSIP_BYTES) return refuse('reject', 'TOO_LARGE')
    const author = message.from.toString()
    const { verdict, reason, fault } = await judge(subscriber, message.data, author)
    if (fault !== undefined) logger.error({ error: fault, topic }, 'a topic validator failed')
    if (reason !== null) return refuse(verdict, reason)
    // counted last, or replaying an author's old messages would use up its share
    if (budgets[topic].take(author) !== 'taken') return refuse('ignore', 'RATE')
    if (bytes.take(author, message.data.length) !== 'taken') return refuse('ignore', 'BYTES')
    onAuthor(author)
    return verdict
  }

  const apply = (topic: Topic, subscriber: TopicSubscriber): void => {
    if (pubsub === undefined) return
    const name = topicName(network, topic)
    const validator = async (_from: PeerId, message: Message) => (await check(topic, subscriber, message)) as never
    pubsub.topicValidators.set(name, validator)
    pubsub.subscribe(name)
  }

  const onMessage = ({ detail: message }: CustomEvent<Message>): void => {
    totals.delivered += 1
    for (const topic of TOPICS) if (message.topic === topicName(network, topic)) heard[topic] += 1
    for (const [topic, subscriber] of subscribers) {
      if (message.topic !== topicName(network, topic) || message.type !== 'signed') continue
      try {
        subscriber.deliver(message.data, message.from.toString())
      } catch (error) {
        logger.error({ error, topic }, 'a topic subscriber failed')
      }
    }
  }

  const send = async (topic: Topic, data: Uint8Array): Promise<void> => {
    if (pubsub === undefined) return
    const name = topicName(network, topic)
    const floodPublish = listeners(topic) <= FLOOD_UP_TO
    // the router takes options per message; its public interface does not list them (17.1)
    await (pubsub as PublishWithOptions).publish(name, data, { floodPublish })
    totals.published += 1
  }

  const sendHeld = (): void => {
    for (const { topic, data } of held.take((topic) => listeners(topic) > 0)) {
      send(topic, data).catch((error: unknown) => logger.warn({ error }, 'could not publish what was held'))
    }
  }

  const listeners = (topic: Topic): number => pubsub?.getSubscribers(topicName(network, topic)).length ?? 0

  return {
    attach(router, peerId) {
      pubsub = router
      self = peerId
      router.addEventListener('message', onMessage)
      router.addEventListener('subscription-change', sendHeld)
      for (const topic of TOPICS) apply(topic, subscribers.get(topic) ?? relayOf(topic, network, clock))
    },

    detach() {
      pubsub?.removeEventListener('message', onMessage)
      pubsub?.removeEventListener('subscription-change', sendHeld)
      pubsub = undefined
      held.clear()
    },

    async publish(topic, data) {
      if (data.length > MAX_GOSSIP_BYTES) throw new RangeError(`A gossip message has at most ${MAX_GOSSIP_BYTES} bytes`)
      if (listeners(topic) > 0) return await send(topic, data)
      held.add(topic, data)
    },

    subscribe(topic, subscriber) {
      if (subscribers.has(topic)) throw new Error(`Someone has subscribed to ${topic} already`)
      subscribers.set(topic, subscriber)
      apply(topic, subscriber)
    },

    counters: () => ({
      ...totals,
      heard: { ...heard },
      listeners: { announcements: listeners('announcements'), requests: listeners('requests') },
    }),
  }
}

/** What a peer does that only passes messages of the topic on: it looks at them as a listener would. */
function relayOf(topic: Topic, network: string, clock: Clock): TopicSubscriber {
  return {
    validate: async (data, author): Promise<Verdict> => {
      if (topic === 'requests') readRequest(data, network, clock.nowMs())
      else if ((await readAnnouncement(data, network)).provider !== author) throw notTheAuthor()
      return 'accept'
    },
    deliver() {},
  }
}

function notTheAuthor(): WireError {
  return new WireError('WRONG_SIGNER', 'The announcement was published by another peer than the one it names')
}

interface PublishWithOptions {
  publish(topic: string, data: Uint8Array, options: { floodPublish: boolean }): Promise<unknown>
}
