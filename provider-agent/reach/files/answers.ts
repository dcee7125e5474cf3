import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Clock } from '../../../node/clock.ts'
import type { Channel } from '../../../node/network/index.ts'
import { encode } from '../../../protocol/codec.ts'
import {
  type FileEntrySchema,
  type FilesReplySchema,
  ReachReplySchema,
} from '../../../protocol/gen/cortex/v1/reach_pb.js'
import { type ContainerFile, type FileAccess, FileError, type FileOwner } from '../../engine/file-access.ts'
import { EngineError } from '../../engine/index.ts'
import { ReachRefusedError } from '../refusal.ts'
import type { Transfers } from '../transfers.ts'

/** The last moment that messages have, in ms since the epoch, and the first before it: disks know later ones. */
const MAX_TIME_MS = 8.64e15

/** What serving files works with. */
export interface FilesComponents {
  transfers: Transfers
  clock: Clock
}

/** Whose files are served, and to whom. */
export interface FilesPlace {
  channel: Channel
  access: Pick<FileAccess, 'archive' | 'stat' | 'unpack' | 'list' | 'remove'>
  /** What is done beside these; null where it is not. */
  more: Pick<FileAccess, 'lookAt' | 'move' | 'change' | 'openFile' | 'openPlace'> | null
  /** Of the container on the engine. */
  name: string
  /** Aborted when the files are out of reach, or the agent stops. */
  signal: AbortSignal
  /** As many bytes may be taken in. */
  maxBytes: number
  /** As many bytes may be handed over, those of a tar's frames included. */
  maxReadBytes: number
  /** So much may be written before a limit of storage ends the job, in bytes, as was measured last. */
  freeBytes(): number
  /** Whether nobody needs the container for anything else: then the engine may read it as slowly as the requester takes it. */
  isApart: boolean
  /** Whose new files in a folder that is there are to be. */
  ownerIn(folder: string): Promise<FileOwner>
  /** Runs what writes so much, or refuses it. @param size of contents, and how many entries they are in */
  admit(size: { bytes: number; entries: number }, write: () => Promise<void>): Promise<void>
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
  // A program of the container sets any; one that is no time at all is the epoch.
  const time = Math.min(MAX_TIME_MS, Math.max(-MAX_TIME_MS, Math.trunc(mtimeMs) || 0))
  return { name, type, mode, target, size: BigInt(size), mtimeMs: BigInt(time) }
}

/** A reply that says something of files. */
export function answerOf(files: MessageInitShape<typeof FilesReplySchema>): Uint8Array {
  return encode(ReachReplySchema, { ok: true, files })
}

/** There is nothing at the path. */
export function nothingThere(options?: ErrorOptions): ReachRefusedError {
  return new ReachRefusedError('NO_FILE', 'There is nothing at this path', options)
}
