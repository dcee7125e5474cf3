import { encode } from '../../protocol/codec.ts'
import { VolumeFilesHelloSchema } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { Protocol } from '../../protocol/topics.ts'
import { ReachError } from '../reach/index.ts'
import { createJobFiles } from '../reach/job-files.ts'
import { type Entered, enterWith } from '../reach/open-reach.ts'
import type { AskingComponents, Holder } from './ask-provider.ts'
import type { VolumeFiles } from './index.ts'

/** How often a stream is opened anew, and how long after, in ms: a connection may give way to another just then. */
const AGAIN = { times: 3, afterMs: 300 }
/** Who has not been reached for so long, in ms, is away. */
const AWAY_MS = 5_000

/** @param holderOf where a volume lies, by its id; what it throws is what asking for its files rejects with */
export function createVolumeFiles(components: AskingComponents, holderOf: (id: string) => Holder): VolumeFiles {
  const { clock } = components

  /** Nothing was read or sent yet where it fails. */
  async function entered(enter: () => Promise<Entered>, signal: AbortSignal): Promise<Entered> {
    const startedMs = clock.monotonicMs()
    for (let left = AGAIN.times; ; left -= 1) {
      try {
        return await enter()
      } catch (error) {
        const isAway = left === 0 || clock.monotonicMs() - startedMs > AWAY_MS
        if (isAway || !(error instanceof ReachError) || error.code !== 'UNREACHABLE') throw error
        await clock.sleep(AGAIN.afterMs, signal)
      }
    }
  }

  return createJobFiles(async (id, files, signal, replyMs) => {
    const { provider, addresses } = holderOf(id)
    const to = {
      ...{ provider, addresses, signal, replyMs },
      protocol: Protocol.volumeFiles,
      hello: encode(VolumeFilesHelloSchema, { id, files }),
      away: `The volume’s provider ${provider} cannot be reached, or does not hand over files of volumes: try again when it is back`,
    }
    return await entered(async () => await enterWith(components, to), signal)
  })
}
