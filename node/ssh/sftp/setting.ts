import { type FileChange, SftpError, Status } from './index.ts'
import type { Attributes } from './packets.ts'

/** Permission bits alone, those of setuid and its like included. */
const PERMISSIONS = 0o7777

/** What of attributes is set of a file. @throws {SftpError} where there is nothing but what cannot be */
export function changeOf({ mode, mtime, owner }: Attributes): FileChange {
  if (mode === undefined && mtime === undefined && owner !== undefined) {
    throw new SftpError(Status.unsupported, 'Whose a file is stays: the user that the job runs as')
  }
  return {
    ...(mode === undefined ? {} : { mode: mode & PERMISSIONS }),
    ...(mtime === undefined ? {} : { mtimeMs: mtime * 1000 }),
  }
}

/** The length that is asked for. @throws {SftpError} where no file can be as long */
export function sizeOf({ size }: Attributes): number | undefined {
  if (size === undefined) return undefined
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new SftpError(Status.failed, 'No file is as long as that')
  return Number(size)
}
