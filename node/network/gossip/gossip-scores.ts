/**
 * What gossipsub makes of its neighbours: P1 to P7 of the specification of gossipsub v1.1, each with what it costs here.
 * Which of its constraints bind, and where this departs from what it advises, says docs/decisions/0027-scores-of-neighbours.md.
 */

import type { GossipsubOpts } from '@libp2p/gossipsub'

/** Below this score nothing of a peer is listened to, and it is disconnected. */
export const GRAYLIST_SCORE = -100

/** Counters lose a part of themselves once in this time, in ms. */
const DECAY_INTERVAL_MS = 1_000

/** Scores at which gossipsub treats a neighbour differently. */
export const SCORE_THRESHOLDS = {
  /** No ids are told to a peer below, nor heard of it: four invalid messages. */
  gossipThreshold: -20,
  /** What this peer says itself is not sent to one below: six. */
  publishThreshold: -50,
  /** Eight. */
  graylistThreshold: GRAYLIST_SCORE,
  /** Whoever has done no wrong may name others: signed records, and dialling a liar's address costs one connection. */
  acceptPXThreshold: 0,
  /** Where half of the neighbours have been there for less than 100 s and brought little, better ones are looked for. */
  opportunisticGraftThreshold: 1,
} satisfies GossipsubOpts['scoreThresholds']

/** A topic's share in the score of a peer. */
const TOPIC_SCORE = {
  topicWeight: 1,
  // P1, P2: a little standing for those who stay and bring news first, 3 and 10 at the most: whoever bought all of it on
  // both topics is still out at the eighth invalid message (26 - 128). That of the news lasts from one burst to the next.
  timeInMeshWeight: 0.01,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 300,
  firstMessageDeliveriesWeight: 0.2,
  firstMessageDeliveriesDecay: halvedIn(60_000),
  firstMessageDeliveriesCap: 50,
  // P3, P3b: none. They need a rate that is to be expected, and a quiet neighbour is no bad one: these topics may be
  // silent for minutes.
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 1,
  meshMessageDeliveriesThreshold: 1,
  meshMessageDeliveriesWindow: 5,
  meshMessageDeliveriesActivation: 60_000,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  // P4: nobody honest forwards what does not verify. -2 * 8 * 8 = -128: the eighth in some minutes is too much, and so is
  // one every two minutes for long; the time is that of a penalty on a stream.
  invalidMessageDeliveriesWeight: -2,
  invalidMessageDeliveriesDecay: halvedIn(10 * 60_000),
}

/** @param topics as gossipsub names them: all count the same */
export function scoreParams(topics: string[]): NonNullable<GossipsubOpts['scoreParams']> {
  return {
    topics: Object.fromEntries(topics.map((topic) => [topic, TOPIC_SCORE])),
    topicScoreCap: 20,
    // P6: none. Many honest agents share the address of a data centre, a NAT or a relay, and all do in a test on one
    // machine. With the default, some of them have no link and hear a second late or never: 95 to 98% among 100
    // (November 2025).
    IPColocationFactorWeight: 0,
    // P7: promises are broken on an overloaded machine; only a habit counts. -5 * 4.5 * 4.5: ten and a half at once.
    behaviourPenaltyThreshold: 6,
    behaviourPenaltyWeight: -5,
    behaviourPenaltyDecay: halvedIn(6_600),
    decayInterval: DECAY_INTERVAL_MS,
    decayToZero: 0.1,
    retainScore: 60 * 60 * 1000,
  }
}

/** The factor of a counter that is to lose half of itself in so many ms. */
function halvedIn(ms: number): number {
  return 0.5 ** (DECAY_INTERVAL_MS / ms)
}

/** Part of gossipsub's class, not of its interface (17.1). */
export interface ScoreKeeper {
  getScore(peer: string): number
  readonly score: {
    readonly peerStats: ReadonlyMap<string, { topics: Record<string, { invalidMessageDeliveries: number }> }>
  }
}

/**
 * Whether a peer has brought anything invalid lately. To be asked when it leaves: when it comes back its score begins
 * anew, whatever was to be retained (gossipsub 17.1).
 */
export function broughtInvalid(keeper: Partial<ScoreKeeper>, peer: string): boolean {
  const topics = keeper.score?.peerStats.get(peer)?.topics ?? {}
  return Object.values(topics).some(({ invalidMessageDeliveries }) => invalidMessageDeliveries > 0)
}
