/** Hosts with the scores of the market: who brings what is wrong is heard no more, and who does not loses nothing. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type GossipSub, gossipsub, type Message, TopicValidatorResult } from '@libp2p/gossipsub'
import { type Identify, identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { createRefusals } from '../../node/network/bounds/refusals.ts'
import { refusalMetrics } from '../../node/network/gossip/gossip-metrics.ts'
import { gossipOptions } from '../../node/network/gossip/gossip-options.ts'
import { GRAYLIST_SCORE, type ScoreKeeper } from '../../node/network/gossip/gossip-scores.ts'
import { until } from '../support/until.ts'

const TOPIC = 'requests'
const WRONG = Buffer.from('wrong')

type Router = GossipSub & ScoreKeeper & { getMeshPeers(topic: string): string[] }

/** A host, with what it heard; what is wrong it rejects, or it says so itself. */
async function startHost(test: TestContext, { isHonest }: { isHonest: boolean }) {
  const refusals = createRefusals()
  const host: Libp2p<{ identify: Identify; pubsub: GossipSub }> = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      pubsub: gossipsub({
        ...gossipOptions([TOPIC]),
        floodPublish: true,
        heartbeatInterval: 100,
        metricsRegister: refusalMetrics(refusals),
        metricsTopicStrToLabel: new Map([[TOPIC, TOPIC]]),
      }),
    },
  })
  test.after(async () => await host.stop())
  const pubsub = host.services.pubsub as Router
  const heard: string[] = []
  pubsub.addEventListener('message', ({ detail }: CustomEvent<Message>) =>
    heard.push(Buffer.from(detail.data).toString()),
  )
  if (isHonest) {
    pubsub.topicValidators.set(TOPIC, (_from, { data }) =>
      WRONG.equals(data) ? TopicValidatorResult.Reject : TopicValidatorResult.Accept,
    )
  }
  pubsub.subscribe(TOPIC)
  const say = async (text: string): Promise<void> => void (await pubsub.publish(TOPIC, Buffer.from(text)))
  return { host, pubsub, heard, say, id: host.peerId.toString(), refused: () => refusals.totals() }
}

describe('a neighbour', () => {
  it('that brings what is wrong is no neighbour any more, and is not heard; an honest one is, at a good score', async (test) => {
    const victim = await startHost(test, { isHonest: true })
    const [honest, mallory] = [await startHost(test, { isHonest: true }), await startHost(test, { isHonest: false })]
    for (const { host } of [honest, mallory]) await host.dial(victim.host.getMultiaddrs())
    const isMeshed = (peer: string): boolean => victim.pubsub.getMeshPeers(TOPIC).includes(peer)
    await until(() => isMeshed(honest.id) && isMeshed(mallory.id))
    // What is published to nobody reaches nobody, later either.
    const knowsVictim = ({ pubsub }: typeof victim): boolean =>
      pubsub.getSubscribers(TOPIC).some((peer) => peer.toString() === victim.id)
    await until(() => knowsVictim(honest) && knowsVictim(mallory))
    await mallory.say('good for now')
    await until(() => victim.heard.includes('good for now'))

    for (let count = 0; count < 8; count += 1) {
      await honest.say(`honest ${count}`)
      await mallory.say(WRONG.toString())
    }
    await until(() => victim.pubsub.getScore(mallory.id) < GRAYLIST_SCORE)
    await until(() => !isMeshed(mallory.id))
    const dropped = (): number => victim.refused().graylisted ?? 0
    // gossipsub looks at the score of one who did well once in a second
    await until(async () => {
      if (dropped() > 0) return true
      await mallory.say('let in, or not')
      return false
    })
    const before = dropped()
    await mallory.say('good again')
    await until(() => dropped() > before)
    await honest.say('honest to the end')
    await until(() => victim.heard.includes('honest to the end'))

    assert.equal(victim.heard.filter((text) => text.startsWith('honest')).length, 9)
    assert.ok(!victim.heard.includes('good again'))
    assert.ok(!victim.heard.includes('wrong'))
    assert.ok(!honest.heard.includes('wrong'), 'nor was it passed on')
    assert.ok(victim.pubsub.getScore(honest.id) >= 0)
    assert.ok(honest.pubsub.getScore(victim.id) >= 0)
    assert.ok(isMeshed(honest.id))
  })
})
