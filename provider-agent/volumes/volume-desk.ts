/** Where requesters ask for their volumes. Each hears of its own alone, by the name that its connection proved. */

import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { answerStreams, receiveWithin } from '../../node/network/answer-streams.ts'
import type { Channel, PeerNetwork } from '../../node/network/index.ts'
import { createRateBudget } from '../../node/rate-budget.ts'
import { encode } from '../../protocol/codec.ts'
import type { SignedStatement } from '../../protocol/gen/cortex/v1/market_pb.js'
import {
  type KeptVolumeSchema,
  type VolumesReply,
  VolumesReplySchema,
  type VolumesRequest,
} from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { MAX_LISTED_VOLUMES, MAX_VOLUMES_MESSAGE_BYTES } from '../../protocol/limits.ts'
import { Protocol } from '../../protocol/topics.ts'
import { readVolumesRequest, type VolumeRefusal } from '../../protocol/volume-messages.ts'
import type { KeptAnswer, KeptView, KeptVolumes } from './kept-volumes.ts'

/** How long a stranger may take to say what it wants, in ms. */
const REQUEST_MS = 10_000
/** Streams one connection may have open. */
const MAX_STREAMS = 8
/** Requests of one requester answered per 10 s, and of all together: each may write to the disk. */
const RATE = { own: 100, total: 500, spanMs: 10_000 }

interface Reply extends Partial<Pick<VolumesReply, 'ok' | 'code' | 'message' | 'more' | 'receipt'>> {
  volumes?: MessageInitShape<typeof KeptVolumeSchema>[]
}

/** What {@link createVolumeDesk} works with. */
export interface VolumeDeskComponents {
  network: PeerNetwork
  clock: Clock
  logger: Logger
  kept: Pick<KeptVolumes, 'list' | 'extend' | 'remove' | 'settle'>
  /** Whether the owner has told this provider to take nothing new. */
  isDraining: () => boolean
}

/** Answers the streams of the protocol `volumes`. */
export interface VolumeDesk {
  start(): void
  stop(): void
}

/** @param init.maxKeepSeconds the longest that a volume is kept after its last use */
export function createVolumeDesk(components: VolumeDeskComponents, init: { maxKeepSeconds: number }): VolumeDesk {
  const { network, clock, logger, kept, isDraining } = components
  const scope = new AbortController()
  const requests = createRateBudget({ clock }, RATE)

  async function answer(channel: Channel, peer: string): Promise<void> {
    if (requests.take(peer) !== 'taken') {
      channel.abort(new Error('Asked too often'))
      return
    }
    const bytes = await receiveWithin(channel, { clock, ms: REQUEST_MS, signal: scope.signal })
    if (bytes === null) return
    const reply = await replyTo(readVolumesRequest(bytes), peer)
    await channel.send(encode(VolumesReplySchema, { ...reply, draining: isDraining() }))
    await channel.close()
  }

  async function replyTo({ content }: VolumesRequest, peer: string): Promise<Reply> {
    switch (content.case) {
      case 'extend':
        return await extend(peer, content.value.id, content.value.keepSeconds)
      case 'delete':
        return answered(await kept.remove(peer, content.value.id))
      case 'settle':
        return await settle(peer, content.value.receipt)
      default: {
        const all = kept.list(peer).filter(({ id }) => id > (content.value?.after ?? ''))
        const shown = all.slice(0, MAX_LISTED_VOLUMES)
        return { ok: true, volumes: shown.map(toWire), more: all.length > shown.length }
      }
    }
  }

  async function settle(peer: string, statement: SignedStatement | undefined): Promise<Reply> {
    const answer = statement === undefined ? 'NOT_AGREED' : await kept.settle(peer, statement)
    if (typeof answer !== 'string') return { ok: true, receipt: answer.receipt }
    return no(
      answer,
      'The receipt is not what was agreed, comes too soon after the one before, or is of a volume that is not kept here',
    )
  }

  async function extend(peer: string, id: string, keepSeconds: number): Promise<Reply> {
    if (keepSeconds > init.maxKeepSeconds) {
      return no('KEEP_TOO_LONG', `This provider keeps volumes up to ${init.maxKeepSeconds} s after their last use`)
    }
    const result = answered(await kept.extend(peer, id, keepSeconds))
    const volumes = kept.list(peer).filter((volume) => volume.id === id)
    return { ...result, volumes: result.ok === true ? volumes.map(toWire) : [] }
  }

  return {
    start() {
      const options = { maxMessageBytes: MAX_VOLUMES_MESSAGE_BYTES, maxInboundStreams: MAX_STREAMS }
      answerStreams({ network, logger, name: 'volumes' }, Protocol.volumes, options, answer)
    },
    stop: () => scope.abort(new Error('The agent stops')),
  }
}

/** What is done later is done: the volume is told of as being deleted until then. */
function answered(answer: KeptAnswer): Reply {
  if (answer === 'unpaid')
    return no('VOLUME_UNPAID', 'What is owed for volumes is not signed yet: try again in a minute')
  if (answer === 'unknown') return no('UNKNOWN_VOLUME', 'The provider has no such volume')
  if (answer === 'in-use') return no('VOLUME_IN_USE', 'A job has the volume: cancel it, or wait for its end')
  return { ok: true }
}

function no(code: VolumeRefusal, message: string): Reply {
  return { ok: false, code, message }
}

function toWire({
  id,
  sizeBytes,
  keepSeconds,
  expiresInMs,
  deleting,
  over,
  idleSeconds,
}: KeptView): MessageInitShape<typeof KeptVolumeSchema> {
  const left = expiresInMs === null ? {} : { expiresInSeconds: Math.ceil(expiresInMs / 1000) }
  return { id, sizeBytes: BigInt(sizeBytes), keepSeconds, deleting, over, idleSeconds: BigInt(idleSeconds), ...left }
}
