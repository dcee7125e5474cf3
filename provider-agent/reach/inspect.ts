import type { MessageInitShape } from '@bufbuild/protobuf'
import type { ContainerDetailsSchema } from '../../protocol/gen/cortex/v1/reach_pb.js'
import { MAX_CODE_LENGTH, MAX_CONTAINER_ITEMS, MAX_MESSAGE_LENGTH } from '../../protocol/limits.ts'
import { toLine } from '../../protocol/text.ts'
import type { ContainerAccess } from '../engine/access.ts'
import { EngineError } from '../engine/index.ts'
import type { Reached } from './reached.ts'
import { ReachRefusedError } from './refusal.ts'

/** Processes that are told of, so that the answer fits one message. */
const MAX_PROCESSES = 256

/** What the container is doing; of its provider's machine it says nothing. @throws {ReachRefusedError} */
export async function lookInto(
  access: ContainerAccess,
  { name, lease, signal }: Reached,
): Promise<MessageInitShape<typeof ContainerDetailsSchema>> {
  try {
    const look = await access.inspect(name, { signal })
    return {
      startedAtMs: BigInt(Math.max(0, look.startedAtMs)),
      imageDigest: lease.progress.imageDigest,
      processes: look.processes.slice(0, MAX_PROCESSES).map(({ pid, user, command }) => ({
        pid: Math.max(0, Math.trunc(pid)),
        user: toLine(user, MAX_CODE_LENGTH),
        command: toLine(command, MAX_MESSAGE_LENGTH),
      })),
      usage: {
        memoryBytes: BigInt(look.usage.memoryBytes),
        memoryLimitBytes: BigInt(look.usage.memoryLimitBytes),
        processes: look.usage.processes,
        rxBytes: BigInt(look.usage.rxBytes),
        txBytes: BigInt(look.usage.txBytes),
      },
      mounts: look.mounts.slice(0, MAX_CONTAINER_ITEMS),
      networks: look.networks.slice(0, MAX_CONTAINER_ITEMS),
    }
  } catch (cause) {
    signal.throwIfAborted()
    if (!(cause instanceof EngineError)) throw cause
    throw new ReachRefusedError('FAILED', 'The engine could not look into the container', { cause })
  }
}
