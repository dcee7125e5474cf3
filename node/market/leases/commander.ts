import { encode } from '../../../protocol/codec.ts'
import { LeaseCommandSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import type { Channel } from '../../network/index.ts'
import type { JobRecord } from '../../store/index.ts'

/** Sends what the user wants of the job, each wish once per stream; the provider knows repeated ones by their id. */
export function createCommander(channel: Channel): { wishes(job: JobRecord | undefined): Promise<void> } {
  const sent = new Set<string>()
  return {
    async wishes(job) {
      if (job === undefined) return
      if (job.cancelRequestedAtMs !== null && !sent.has('cancel')) {
        sent.add('cancel')
        await channel.send(encode(LeaseCommandSchema, { content: { case: 'cancel', value: { commandId: 'cancel' } } }))
      }
      const { extension } = job
      if (extension !== null && !sent.has(extension.commandId)) {
        sent.add(extension.commandId)
        await channel.send(encode(LeaseCommandSchema, { content: { case: 'extend', value: extension } }))
      }
    },
  }
}
