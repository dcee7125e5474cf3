import { encode } from '../../protocol/codec.ts'
import { VolumeFilesHelloSchema } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { Protocol } from '../../protocol/topics.ts'
import { createJobFiles } from '../reach/job-files.ts'
import { enterWith } from '../reach/open-reach.ts'
import type { AskingComponents, Holder } from './ask-provider.ts'
import type { VolumeFiles } from './index.ts'

/** @param holderOf where a volume lies, by its id; what it throws is what asking for its files rejects with */
export function createVolumeFiles(components: AskingComponents, holderOf: (id: string) => Holder): VolumeFiles {
  return createJobFiles(async (id, files, signal, replyMs) => {
    const { provider, addresses } = holderOf(id)
    return await enterWith(components, {
      ...{ provider, addresses, signal, replyMs },
      protocol: Protocol.volumeFiles,
      hello: encode(VolumeFilesHelloSchema, { id, files }),
      away: `The volume’s provider ${provider} cannot be reached, or does not hand over files of volumes: try again when it is back`,
    })
  })
}
