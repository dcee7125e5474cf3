import type { GossipsubOpts } from '@libp2p/gossipsub'
import { MAX_GOSSIP_BYTES } from '../../../protocol/limits.ts'
import { SCORE_THRESHOLDS, scoreParams } from './gossip-scores.ts'

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
    scoreThresholds: SCORE_THRESHOLDS,
    scoreParams: scoreParams(topics),
  }
}
