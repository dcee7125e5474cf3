/** The files of a container over SFTP, version 3, as `sftp` and `scp` speak it; see docs/decisions/0100-files-over-sftp.md. */

import type { Readable } from 'node:stream'
import type { JobFile } from '../../reach/index.ts'

/**
 * Files as a session needs them; paths are as `containerPath` makes them, and links on the way are followed. What is
 * refused rejects with {@link SftpError} or `ReachError`, and with the signal's reason once that aborts.
 */
export interface SftpFiles {
  /** What is at a path, a link there followed; null where there is nothing. */
  stat(path: string, signal: AbortSignal): Promise<JobFile | null>
  /** What is at a path, a link there as itself; null where there is nothing. */
  lstat(path: string, signal: AbortSignal): Promise<JobFile | null>
  /** What a folder holds, by name, behind a name; there may be fewer than there are. */
  list(path: string, after: string, signal: AbortSignal): Promise<{ entries: JobFile[]; more: boolean }>
  /** A file from its beginning; what is not read to its end is to be destroyed. */
  read(path: string, signal: AbortSignal): Promise<{ file: JobFile; content: Readable }>
  /**
   * Puts a file in the place of what is there; where that is a link, of what it leads to.
   * @param content from the beginning, each time it is called
   */
  write(path: string, how: WriteHow, content: () => Readable, signal: AbortSignal): Promise<void>
  /** Makes a folder where there is nothing, in one that is there. */
  makeFolder(path: string, mode: number, signal: AbortSignal): Promise<void>
  /** Makes a link where there is nothing, in a folder that is there. @param target as it is to be read */
  makeLink(path: string, target: string, signal: AbortSignal): Promise<void>
  /** Removes a file, a link itself, or a folder that is empty. */
  remove(path: string, signal: AbortSignal): Promise<void>
  /** Renames, or moves. @param how.replace whether a file at `to` gives way */
  move(path: string, to: string, how: { replace: boolean }, signal: AbortSignal): Promise<void>
  /** Sets what is given, of a file or folder that is there. */
  change(path: string, to: FileChange, signal: AbortSignal): Promise<void>
}

/** What becomes of a file that is there. */
export interface FileChange {
  /** Permission bits. */
  mode?: number
  mtimeMs?: number
}

/** How a file is put where it is to be. */
export interface WriteHow extends FileChange {
  mode: number
  /** In bytes. */
  size: number
  /** Whether something was there before. */
  isThere: boolean
}

/** Numbers of answers, as the protocol has them. */
export const Status = {
  ok: 0,
  end: 1,
  noFile: 2,
  denied: 3,
  failed: 4,
  badMessage: 5,
  unsupported: 8,
} as const
/** One of {@link Status}. */
export type Status = (typeof Status)[keyof typeof Status]

/** What a client is answered with; the message is for people. */
export class SftpError extends Error {
  override readonly name = 'SftpError'
  readonly status: Status

  constructor(status: Status, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
  }
}
