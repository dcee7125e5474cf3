import type { MessageInitShape } from '@bufbuild/protobuf'
import { encode } from '../../protocol/codec.ts'
import { ExecInputSchema } from '../../protocol/gen/cortex/v1/reach_pb.js'
import { MAX_REACH_CHUNK_BYTES } from '../../protocol/limits.ts'
import { encodeExecData, readExecOutput } from '../../protocol/reach-messages.ts'
import type { Channel } from '../network/index.ts'
import { type ExecEvent, type ExecSession, ReachError } from './index.ts'

/** The requester's end of a command that runs. */
export function openExecSession(channel: Channel): ExecSession {
  const send = async (content: NonNullable<MessageInitShape<typeof ExecInputSchema>['content']>): Promise<void> => {
    await channel.send(encode(ExecInputSchema, { content }))
  }

  async function* output(): AsyncGenerator<ExecEvent> {
    for (;;) {
      const { content } = await next(channel)
      if (content.case === 'stdout' || content.case === 'stderr') {
        yield { type: content.case, data: content.value }
      } else if (content.case === 'exited') {
        yield { type: 'exited', exitCode: content.value.exitCode }
        // Input that is still on its way has no reader any more: closing in order would wait for one.
        channel.abort(new Error('The command has ended'))
        return
      }
    }
  }

  return {
    output,
    async write(data) {
      for (let at = 0; at < data.length; at += MAX_REACH_CHUNK_BYTES) {
        await channel.send(encodeExecData(data.subarray(at, at + MAX_REACH_CHUNK_BYTES)))
      }
    },
    end: async () => await send({ case: 'end', value: {} }),
    resize: async (columns, rows) => await send({ case: 'resize', value: { columns, rows } }),
    close: () => channel.abort(new Error('The command is let go of')),
  }
}

async function next(channel: Channel) {
  let bytes: Uint8Array | null
  try {
    bytes = await channel.receive()
  } catch (cause) {
    throw new ReachError('UNREACHABLE', 'The connection to the command broke, or the container has ended', { cause })
  }
  if (bytes === null) throw new ReachError('NOT_RUNNING', 'The container ended before the command did')
  return readExecOutput(bytes)
}
