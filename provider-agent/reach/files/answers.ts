import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Clock } from '../../../node/clock.ts'
import { encode } from '../../../protocol/codec.ts'
import {
  type FileEntrySchema,
  type FilesReplySchema,
  ReachReplySchema,
} from '../../../protocol/gen/cortex/v1/reach_pb.js'
import type { ContainerAccess } from '../../engine/access.ts'
import { type ContainerFile, FileError } from '../../engine/file-access.ts'
import { EngineError } from '../../engine/index.ts'
import { ReachRefusedError } from '../refusal.ts'
import type { Transfers } from '../transfers.ts'

/** What serving files works with. */
export interface FilesComponents {
  access: ContainerAccess
  transfers: Transfers
  clock: Clock
}

/** What the requester is told of a failure; null where that is not the requester's to know. */
export function refusalOf(cause: unknown): ReachRefusedError | null {
  if (cause instanceof ReachRefusedError) return cause
  if (cause instanceof FileError) return new ReachRefusedError(cause.code, cause.message, { cause })
  if (!(cause instanceof EngineError)) return null
  if (cause.details.reason === 'not-found') return nothingThere({ cause })
  return new ReachRefusedError('FAILED', 'The engine could not do that with the container’s files', { cause })
}

/** As messages have it. */
export function entryOf(file: ContainerFile): MessageInitShape<typeof FileEntrySchema> {
  const { name, type, size, mode, mtimeMs, target } = file
  return { name, type, mode, target, size: BigInt(size), mtimeMs: BigInt(Math.trunc(mtimeMs)) }
}

/** A reply that says something of files. */
export function answerOf(files: MessageInitShape<typeof FilesReplySchema>): Uint8Array {
  return encode(ReachReplySchema, { ok: true, files })
}

/** There is nothing at the path. */
export function nothingThere(options?: ErrorOptions): ReachRefusedError {
  return new ReachRefusedError('NO_FILE', 'There is nothing at this path of the container', options)
}
