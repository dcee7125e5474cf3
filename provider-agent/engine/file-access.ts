import type { Readable } from 'node:stream'
import type { FileType } from '../../protocol/file-messages.ts'
import type { AbortOptions } from './index.ts'

/** Ways to a container's files. What the engine fails at rejects with {@link EngineError}. */
export interface FileAccess {
  /**
   * A path of the container, running or ended, as a tar whose entries begin with the path's last part. Until it has been
   * read to its end, or is destroyed, the engine does nothing else with the container, and cannot even stop it.
   * @throws {EngineError} `ENGINE_ERROR` with `details.reason: 'not-found'` where there is nothing at the path
   */
  archive(name: string, path: string, options?: AbortOptions): Promise<Readable>

  /** What is at a path, links followed; null where there is nothing. */
  stat(name: string, path: string, options?: AbortOptions): Promise<FoundFile | null>

  /**
   * Unpacks a tar in a folder that is there; the engine lets nothing of it out of the container. As with `archive`, nothing
   * else is done with the container meanwhile.
   * @throws {FileError}
   */
  unpack(name: string, folder: string, tar: Readable, options?: AbortOptions): Promise<void>

  /** What a folder holds. @throws {FileError} */
  list(name: string, path: string, page: ListPage, options?: AbortOptions): Promise<Listing>

  /** Removes a file, a link itself, or a folder, with `recursive` one that is not empty. @throws {FileError} */
  remove(name: string, path: string, how: { recursive: boolean }, options?: AbortOptions): Promise<void>

  /** What is at a path, a link there as itself. @throws {FileError} */
  lookAt(name: string, path: string, options?: AbortOptions): Promise<ContainerFile>

  /** Renames a file, a link itself, or a folder. @param how.replace whether what is at `to` gives way @throws {FileError} */
  move(name: string, path: string, to: string, how: { replace: boolean }, options?: AbortOptions): Promise<void>

  /** Sets permission bits, or when a file or folder was last written; links are followed. @throws {FileError} */
  change(name: string, path: string, to: { mode?: number; mtimeMs?: number }, options?: AbortOptions): Promise<void>

  /** Opens a file that the engine need not be asked for, links followed; null where it has to be. @throws {FileError} */
  openFile(name: string, path: string, options?: AbortOptions): Promise<HeldFile | null>

  /**
   * Holds where a file is to be put, links followed, so that the engine need not be asked to; null where it has to be, as
   * where folders on the way are missing. @throws {FileError}
   */
  openPlace(name: string, path: string, options?: AbortOptions): Promise<HeldPlace | null>

  /** Whose the container's new files are to be: the user that its program runs as. */
  ownerOf(name: string, options?: AbortOptions): Promise<FileOwner>
}

/** Something in a container. */
export interface ContainerFile {
  name: string
  type: FileType
  /** In bytes. */
  size: number
  /** Permission bits, setuid and its like included. */
  mode: number
  mtimeMs: number
  /** Where a link leads, as it has that; empty for what is none. */
  target: string
}

/** What {@link FileAccess.stat} finds. */
export interface FoundFile extends ContainerFile {
  /** Where the links lead in the end. */
  path: string
}

/** Which part of a folder is listed: names behind `after`, so many. */
export interface ListPage {
  after: string
  limit: number
}

/** Entries of a folder, sorted by name. */
export interface Listing {
  entries: ContainerFile[]
  /** How many there are, or were counted. */
  total: number
  /** Whether there are others behind these. */
  more: boolean
  /** Not all of the folder was looked at. */
  incomplete: boolean
}

/** A file that is held: nobody can put another in its place. */
export interface HeldFile extends AsyncDisposable {
  file: ContainerFile
  /** Some of its bytes. Ends with {@link FileError} where the file has become shorter than that. */
  read(offset: number, length: number): AsyncIterable<Buffer>
}

/** Where a file is to be put. */
export interface HeldPlace extends AsyncDisposable {
  /** Permission bits of what is there; null for nothing. */
  mode: number | null
  /**
   * Puts all of it in the place of what is there, or leaves that as it is. Until it is done, both take room.
   * @param how.bytes how many there are
   * @param how.signal looked at before each piece
   * @returns false where this program may not, or there is no room for both, and nothing is changed: the engine has to
   * @throws {FileError}
   */
  put(
    content: AsyncIterable<Uint8Array>,
    how: { bytes: number; mode: number; mtimeMs?: number; owner: FileOwner; signal?: AbortSignal },
  ): Promise<boolean>
}

/** In the container's numbers. */
export interface FileOwner {
  uid: number
  gid: number
}

/** Why something is not done with a file; the message is for the job's owner. */
export class FileError extends Error {
  override readonly name = 'FileError'
  readonly code: 'NO_FILE' | 'BAD_PATH' | 'NO_ROOM'

  constructor(code: FileError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
