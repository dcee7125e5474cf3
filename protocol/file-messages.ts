/** The part of `reach-messages.ts` that is about files of a container. */

import { posix } from 'node:path'
import { checkRange, invalidField, safeNumber } from './check-fields.ts'
import type { FileEntry, FilesReply, ReachHello_Files } from './gen/cortex/v1/reach_pb.js'
import { MAX_LEFT_OUT, MAX_LISTED_FILES, MAX_MESSAGE_LENGTH, MAX_PATH_BYTES } from './limits.ts'
import { toLine } from './text.ts'
import { WireError } from './wire-error.ts'

/** What something in a container is; of what a newer provider says beside these, `other` is made. */
export const FILE_TYPES = ['file', 'folder', 'link', 'pipe', 'socket', 'device', 'other'] as const
/** One of {@link FILE_TYPES}. */
export type FileType = (typeof FILE_TYPES)[number]

/**
 * What may be done with files beside listing, reading, writing and removing, where a provider says that it does that; `timed`
 * is writing a file with its time.
 */
export const FILE_ACTIONS = ['itself', 'move', 'change', 'timed'] as const
/** One of {@link FILE_ACTIONS}. */
export type FileAction = (typeof FILE_ACTIONS)[number]

/** Actions that one reply names. */
const MAX_ACTIONS = 16

/** Permission bits, those of setuid, setgid and the sticky bit included. */
export const MAX_FILE_MODE = 0o7777

/** The last moment that a `Date` can hold, and the first, in ms. */
const MAX_TIME_MS = 8_640_000_000_000_000n

/** A path as it is looked up: absolute, without `.`, `..`, doubled or trailing slashes. Null where it is none. */
export function containerPath(path: string): string | null {
  if (!path.startsWith('/') || path.includes('\0') || !path.isWellFormed()) return null
  const plain = posix.normalize(path.replace(/^\/+/, '/'))
  if (Buffer.byteLength(plain) > MAX_PATH_BYTES) return null
  return plain === '/' ? plain : plain.replace(/\/$/, '')
}

/** @throws {WireError} */
export function checkFiles({ path, action }: ReachHello_Files): void {
  if (containerPath(path) !== path) throw invalidField('path', 'must be absolute, and as short as can be')
  switch (action.case) {
    case 'list':
      checkRange('limit', action.value.limit, 0, MAX_LISTED_FILES)
      if (Buffer.byteLength(action.value.after) > MAX_PATH_BYTES) throw invalidField('after', 'must be a name')
      break
    case 'read':
      safeNumber(action.value.offset, 'offset')
      safeNumber(action.value.length, 'length')
      break
    case 'write':
      checkRange('mode', action.value.mode ?? 0, 0, MAX_FILE_MODE)
      checkTime(action.value.mtimeMs ?? 0n)
      break
    case 'remove':
    case 'itself':
      break
    case 'move':
      if (containerPath(action.value.to) !== action.value.to) {
        throw invalidField('to', 'must be absolute, and as short as can be')
      }
      break
    case 'change':
      checkRange('mode', action.value.mode ?? 0, 0, MAX_FILE_MODE)
      checkTime(action.value.mtimeMs ?? 0n)
      break
    case undefined:
      throw new WireError('MALFORMED', 'Files without an action')
  }
}

/** Names are the container's own words: nothing of them is changed. @throws {WireError} */
export function checkFilesReply(reply: FilesReply): void {
  const { entry, entries } = reply
  checkRange('entries', entries.length, 0, MAX_LISTED_FILES)
  for (const one of entry === undefined ? entries : [entry, ...entries]) checkEntry(one)
  safeNumber(reply.bytes, 'bytes')
  // Those that a newer provider has are not asked for.
  reply.actions = reply.actions.slice(0, MAX_ACTIONS).filter(isFileAction)
  reply.leftOut = reply.leftOut.slice(0, MAX_LEFT_OUT)
  for (const one of reply.leftOut) {
    one.path = toLine(one.path, MAX_MESSAGE_LENGTH)
    one.reason = toLine(one.reason, MAX_MESSAGE_LENGTH)
  }
}

function isFileAction(name: string): name is FileAction {
  return (FILE_ACTIONS as readonly string[]).includes(name)
}

function checkEntry(entry: FileEntry): void {
  for (const [field, text] of Object.entries({ name: entry.name, target: entry.target })) {
    if (Buffer.byteLength(text) > MAX_PATH_BYTES) throw invalidField(field, `must have at most ${MAX_PATH_BYTES} bytes`)
  }
  safeNumber(entry.size, 'size')
  checkRange('mode', entry.mode, 0, MAX_FILE_MODE)
  checkTime(entry.mtimeMs)
  if (!(FILE_TYPES as readonly string[]).includes(entry.type)) entry.type = 'other'
}

function checkTime(ms: bigint): void {
  if (ms > MAX_TIME_MS || ms < -MAX_TIME_MS) throw invalidField('mtime_ms', 'is out of range')
}
