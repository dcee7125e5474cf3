import type { GossipsubOpts } from '@libp2p/gossipsub'
import { MAX_GOSSIP_BYTES } from '../../protocol/limits.ts'

/**
 * The longest frame of gossip read, in bytes. A frame holds one message in the ordinary case; one that answers for
 * messages missed during three heartbeats holds some hundred of them, or their ids. What one message may measure is
 * checked by itself ({@link MAX_GOSSIP_BYTES}).
 */
const MAX_FRAME_BYTES = 64 * MAX_GOSSIP_BYTES

/** Items in one frame: as many messages as fit a frame at their smallest size, and ids for 5 s at 200 messages a second. */
const MAX_MESSAGES_PER_FRAME = 512
const MAX_IDS_PER_FRAME = 1_000

/** Bytes queued for a peer that does not read; its stream is cut beyond that. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024

/** Below this score nothing of a peer is listened to, and it is disconnected. */
export const GRAYLIST_SCORE = -100

/** How gossip is spread and whom we listen to. */
export function gossipOptions(topics: string[]): Partial<GossipsubOpts> {
  return {
    globalSignaturePolicy: 'StrictSign',
    emitSelf: false,
    fallbackToFloodsub: false,
    // A newcomer without neighbours is no error: `gossip.ts` keeps what it says until someone listens.
    allowPublishToZeroTopicPeers: true,
    allowedTopics: topics,
    // Each node repeats a message to 8 others: three hops reach 500. Duplicates cost little, see `fastMsgIdFn`.
    D: 8,
    Dlo: 6,
    Dhi: 12,
    Dscore: 5,
    Dout: 3,
    // Every second, those who are no direct neighbours are told the ids of what was said in the last three: to most of
    // them, as ids are small and a message that somebody missed costs its author a round.
    Dlazy: 12,
    gossipFactor: 0.5,
    // A peer that is full names others when it turns one away. Without that, everyone who knows the same bootstrap
    // address would be linked to it alone, and all but 12 would hear by the heartbeat only.
    doPX: true,
    prunePeers: 8,
    maxInboundDataLength: MAX_FRAME_BYTES,
    maxOutboundBufferSize: MAX_UNSENT_BYTES,
    maxInboundStreams: 4,
    maxTopicBytesPerPeer: 16 * 1024,
    decodeRpcLimits: {
      maxSubscriptions: 16,
      maxMessages: MAX_MESSAGES_PER_FRAME,
      maxIhaveMessageIDs: MAX_IDS_PER_FRAME,
      maxIwantMessageIDs: MAX_IDS_PER_FRAME,
      maxIdontwantMessageIDs: 512,
      maxControlMessages: 64,
      maxPeerInfos: 16,
    },
    // Saying "do not send me this" costs a frame to each neighbour; it pays for messages larger than ours.
    idontwantMinDataSize: MAX_GOSSIP_BYTES,
    // A duplicate is known by its signature, before that is checked: checking takes most of a message's time. It is only
    // asked about signatures that were found right, so a forged message cannot pass, nor keep a right one out.
    fastMsgIdFn: (message) =>
      message.signature == null
        ? ''
        : Buffer.from(message.signature.buffer, message.signature.byteOffset, message.signature.byteLength).toString(
            'latin1',
          ),
    scoreThresholds: {
      gossipThreshold: -20,
      publishThreshold: -50,
      graylistThreshold: GRAYLIST_SCORE,
      // Whoever has done no wrong may name others: signed records, and dialling a liar's address costs one connection.
      acceptPXThreshold: 0,
      opportunisticGraftThreshold: 1,
    },
    scoreParams: {
      // Many honest agents share the address of a data centre or a NAT, and all do in a test on one machine. With the
      // default, some of them have no link and hear a second late or never: 95 to 98% among 100 (November 2025).
      IPColocationFactorWeight: 0,
      // Broken promises happen on an overloaded machine; only a habit counts.
      behaviourPenaltyThreshold: 6,
      behaviourPenaltyWeight: -5,
      behaviourPenaltyDecay: 0.9,
      topicScoreCap: 20,
      retainScore: 60 * 60 * 1000,
      topics: Object.fromEntries(topics.map((topic) => [topic, topicScore])),
    },
  }
}

const topicScore = {
  topicWeight: 1,
  // A little standing for those who stay and bring news first.
  timeInMeshWeight: 0.01,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 300,
  firstMessageDeliveriesWeight: 0.2,
  firstMessageDeliveriesDecay: 0.9,
  firstMessageDeliveriesCap: 50,
  // A quiet neighbour is no bad one: these topics may be silent for minutes.
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 1,
  meshMessageDeliveriesThreshold: 1,
  meshMessageDeliveriesWindow: 10,
  meshMessageDeliveriesActivation: 60_000,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  // Nobody honest forwards what does not verify: 8 within some seconds and the peer is out (-2 * 8 * 8 = -128).
  invalidMessageDeliveriesWeight: -2,
  invalidMessageDeliveriesDecay: 0.95,
}
