/** Where requesters reach into the volumes that they keep here. Each hears of its own alone, by the name that its connection proved. */

import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { Logger } from '../../node/logger.ts'
import { answerStreams, receiveWithin } from '../../node/network/answer-streams.ts'
import type { Channel, PeerNetwork } from '../../node/network/index.ts'
import { createRateBudget } from '../../node/rate-budget.ts'
import { encode } from '../../protocol/codec.ts'
import { type ReachHello_Files, ReachReplySchema } from '../../protocol/gen/cortex/v1/reach_pb.js'
import { MAX_FILE_STREAMS, MAX_REACH_MESSAGE_BYTES, MAX_VOLUME_FILE_STREAMS } from '../../protocol/limits.ts'
import { Protocol } from '../../protocol/topics.ts'
import { readVolumeFilesHello } from '../../protocol/volume-messages.ts'
import type { FileAccess } from '../engine/file-access.ts'
import type { VolumeAccess } from '../engine/volume-access.ts'
import type { KeptVolumes } from '../volumes/kept-volumes.ts'
import { createCounter } from './counter.ts'
import { serveFiles } from './files/serve-files.ts'
import { createVolumePlaces } from './files/volume-place.ts'
import { ReachRefusedError } from './refusal.ts'
import type { Transfers } from './transfers.ts'

/** How long a stranger may take to say what it wants, in ms. */
const HELLO_MS = 10_000
/** How long the engine may take to open a volume, in ms. */
const OPEN_MS = 30_000
/** How long one of them may take altogether, in ms: meanwhile the volume stays, and cannot be removed. */
const LONGEST_MS = 6 * 3_600_000
/** Requests of one requester answered per 10 s, and of all together: for each a container is made and removed. */
const RATE = { own: 20, total: 60, spanMs: 10_000 }

/** What {@link createVolumeFilesDesk} works with. */
export interface VolumeFilesDeskComponents {
  network: PeerNetwork
  /** Where it is absent, as the other, nobody is answered. */
  access?: FileAccess
  volumeAccess?: VolumeAccess
  kept: Pick<KeptVolumes, 'lend'>
  transfers: Transfers
  clock: Clock
  logger: Logger
}

/** Answers the streams of the protocol `volumeFiles`. */
export interface VolumeFilesDesk {
  /** Removes what an earlier run left, too. */
  start(): void
  stop(): Promise<void>
}

/** Answers nobody before {@link VolumeFilesDesk.start}. */
export function createVolumeFilesDesk(components: VolumeFilesDeskComponents): VolumeFilesDesk {
  const { access, volumeAccess } = components
  if (access === undefined || volumeAccess === undefined) return { start: () => undefined, stop: async () => undefined }
  return openDesk({ ...components, access, volumeAccess })
}

function openDesk(components: Required<VolumeFilesDeskComponents>): VolumeFilesDesk {
  const { network, access, volumeAccess, kept, transfers, clock } = components
  const logger = components.logger.child({ part: 'volume-files' })
  const scope = new AbortController()
  const requests = createRateBudget({ clock }, RATE)
  const ofPeer = createCounter('The requester')
  const ofAll = createCounter('The provider')
  const places = createVolumePlaces({ access, volumeAccess })
  const running = new Set<Promise<void>>()
  let clearing: Promise<void> = Promise.resolve()

  async function answer(channel: Channel, peer: string): Promise<void> {
    const bytes = await receiveWithin(channel, { clock, ms: HELLO_MS, signal: scope.signal })
    if (bytes === null) return
    const { id, files } = readVolumeFilesHello(bytes)
    try {
      if (requests.take(peer) !== 'taken') {
        throw new ReachRefusedError('TOO_MANY', 'Volumes are opened too often: wait some seconds')
      }
      await ofAll.within('', MAX_VOLUME_FILE_STREAMS, async () => {
        await ofPeer.within(peer, MAX_FILE_STREAMS, async () => await serve(channel, peer, id, files))
      })
    } catch (error) {
      if (!(error instanceof ReachRefusedError)) throw error
      logger.debug({ peer, volume: id, code: error.code, error: String(error.cause ?? '') }, 'refused')
      await channel.send(encode(ReachReplySchema, { code: error.code, message: error.message }))
    }
    await channel.close()
  }

  async function serve(channel: Channel, peer: string, id: string, asked: ReachHello_Files): Promise<void> {
    const lent = kept.lend(peer, id)
    if (lent === null) throw new ReachRefusedError('UNKNOWN_VOLUME', 'The provider has no such volume')
    if (lent === 'unpaid') {
      throw new ReachRefusedError('FAILED', 'What is owed for the volume is not signed yet: try again in a minute')
    }
    const over = deadline(clock, LONGEST_MS, scope.signal)
    try {
      await clearing
      const limit = deadline(clock, OPEN_MS, scope.signal)
      await using place = await places
        .open({ channel, lent, readOnly: asked.action.case !== 'write', signal: over.signal }, limit.signal)
        .finally(limit.clear)
      await serveFiles({ transfers, clock }, place, place.within(asked))
    } finally {
      over.clear()
      await lent.giveBack()
    }
  }

  /** What cannot be removed now is found at the next start. */
  async function clear(): Promise<void> {
    await volumeAccess.clear({ signal: AbortSignal.timeout(OPEN_MS) }).catch((error) => {
      logger.debug({ error: String(error) }, 'what reached into volumes was not removed')
    })
  }

  return {
    start() {
      clearing = clear()
      const options = { maxMessageBytes: MAX_REACH_MESSAGE_BYTES, maxInboundStreams: MAX_FILE_STREAMS * 2, bulk: true }
      answerStreams({ network, logger, name: 'volume files' }, Protocol.volumeFiles, options, async (channel, peer) => {
        const answered = answer(channel, peer)
        running.add(answered)
        await answered.finally(() => running.delete(answered))
      })
    },
    async stop() {
      scope.abort(new Error('The agent stops'))
      await Promise.allSettled([clearing, ...running])
      await clear()
    },
  }
}
