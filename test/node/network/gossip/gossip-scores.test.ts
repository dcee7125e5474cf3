/** The parameters, in gossipsub's own keeping of scores; a second is one call. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPeerScoreParams, PeerScore } from '@libp2p/gossipsub/score'
import type { ComponentLogger } from '@libp2p/interface'
import {
  broughtInvalid,
  GRAYLIST_SCORE,
  SCORE_THRESHOLDS,
  scoreParams,
} from '../../../../node/network/gossip/gossip-scores.ts'

const TOPICS = ['requests', 'announcements']
const PEER = 'peer'
const logger = { forComponent: () => Object.assign(() => {}, { error() {}, trace() {} }) } as unknown as ComponentLogger

function setUp() {
  const keeper = new PeerScore(createPeerScoreParams(scoreParams(TOPICS)), null, logger, { scoreCacheValidityMs: 0 })
  keeper.addPeer(PEER)
  const score = (): number => {
    keeper.scoreCache.clear()
    return keeper.score(PEER)
  }
  return {
    keeper,
    score,
    /** Lets the peer bring something invalid once in so many seconds. @returns the score at the end */
    wrong: (everySeconds: number, seconds: number): number => {
      for (let second = 0; second < seconds; second += 1) {
        if (second % everySeconds === 0) keeper.rejectInvalidMessage(PEER, 'requests')
        keeper.refreshScores()
      }
      return score()
    },
  }
}

describe('scores of neighbours', () => {
  it('have thresholds in the order that the specification asks for', () => {
    const { gossipThreshold, publishThreshold, graylistThreshold } = SCORE_THRESHOLDS
    assert.ok(0 > gossipThreshold && gossipThreshold > publishThreshold && publishThreshold > graylistThreshold)
    assert.equal(graylistThreshold, GRAYLIST_SCORE)
  })

  it('forgive a few invalid messages, and not eight', () => {
    assert.ok(setUp().wrong(1, 3) > SCORE_THRESHOLDS.gossipThreshold)
    assert.ok(setUp().wrong(1, 4) < SCORE_THRESHOLDS.gossipThreshold)
    assert.ok(setUp().wrong(1, 8) < GRAYLIST_SCORE)
  })

  it('do not forgive one every ten seconds, or every minute; one in five minutes they do', () => {
    assert.ok(setUp().wrong(10, 90) < GRAYLIST_SCORE)
    assert.ok(setUp().wrong(60, 900) < GRAYLIST_SCORE)
    assert.ok(setUp().wrong(300, 24 * 3600) > SCORE_THRESHOLDS.gossipThreshold)
  })

  it('are not bought: with all the standing there is, eight are too many', () => {
    const { keeper, score, wrong } = setUp()
    for (const topic of TOPICS) {
      keeper.graft(PEER, topic)
      const stats = keeper.peerStats.get(PEER)?.topics[topic]
      assert.ok(stats)
      stats.graftTime -= 3600_000
      stats.firstMessageDeliveries = 1_000
    }
    keeper.refreshScores()
    assert.equal(score(), 20)
    assert.ok(wrong(1, 8) < GRAYLIST_SCORE)
  })

  it('take no notice of silence, nor of neighbours at one address', () => {
    const { keeper, score } = setUp()
    for (let other = 0; other < 300; other += 1) {
      keeper.addPeer(`other ${other}`)
      keeper.addIP(`other ${other}`, '192.0.2.1')
    }
    keeper.addIP(PEER, '192.0.2.1')
    for (const topic of TOPICS) {
      keeper.graft(PEER, topic)
      const stats = keeper.peerStats.get(PEER)?.topics[topic]
      if (stats !== undefined) stats.graftTime -= 3600_000
    }
    keeper.refreshScores()
    for (const topic of TOPICS) keeper.prune(PEER, topic)
    assert.equal(score(), 0)
  })

  it('begin anew where a peer comes back: who leaves with something invalid is to be remembered otherwise', () => {
    const { keeper, score, wrong } = setUp()
    assert.equal(broughtInvalid({ score: keeper }, PEER), false)
    wrong(1, 7)
    assert.equal(broughtInvalid({ score: keeper }, PEER), true)
    keeper.removePeer(PEER)
    keeper.addPeer(PEER)
    assert.equal(score(), 0)
    assert.equal(broughtInvalid({ score: keeper }, 'nobody'), false)
  })
})
