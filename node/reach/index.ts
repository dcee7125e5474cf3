import type { Readable } from 'node:stream'
import type { FileAction, FileType } from '../../protocol/file-messages.ts'
import type { LeftOut } from '../../protocol/left-out.ts'
import type { ReachRefusal } from '../../protocol/reach-messages.ts'
import type { Channel } from '../network/index.ts'

/** The way into the containers of this peer's running jobs, through their providers. */
export interface Reach {
  /**
   * A connection to a port that the job exposes. Of TCP each message is a piece of the stream, see `streamOf`; of UDP one
   * datagram.
   * @throws {ReachError} @throws {JobNotFoundError} @throws {JobStateError} where it does not run
   */
  tunnel(jobId: string, to: { port: number; protocol: 'TCP' | 'UDP' }, signal: AbortSignal): Promise<Channel>

  /**
   * As `tunnel`, but it does not wait until the provider lets us in: what is sent meanwhile goes along, and is lost where
   * the provider does not. `receive` rejects with {@link ReachError} then.
   */
  tunnelAtOnce(jobId: string, to: { port: number; protocol: 'TCP' | 'UDP' }, signal: AbortSignal): Promise<Channel>

  /**
   * Runs a command in the container; its output is read to the end, or the signal aborted.
   * @throws {ReachError} @throws {JobNotFoundError} @throws {JobStateError} where it does not run
   */
  exec(jobId: string, request: ExecRequest, signal: AbortSignal): Promise<ExecSession>

  /** Files of the container. */
  readonly files: JobFiles

  /** @throws {ReachError} @throws {JobNotFoundError} @throws {JobStateError} where it does not run */
  inspect(jobId: string, signal: AbortSignal): Promise<ContainerView>
}

/**
 * Files of running jobs' containers; paths are as `containerPath` makes them, links are followed. Each call rejects with
 * {@link ReachError}, `JobNotFoundError`, or `JobStateError` where the job does not run.
 */
export interface JobFiles {
  /** What is at a path, and where that is a folder some of what it holds. */
  look(jobId: string, path: string, page: FilePage, signal: AbortSignal): Promise<FileLook>
  /** A file, or a path as a tar whose entries begin with its last part. What is not read to its end is to be destroyed. */
  read(jobId: string, path: string, how: ReadHow, signal: AbortSignal): Promise<{ file: JobFile; content: Readable }>
  /**
   * Writes a file, or unpacks a tar in a folder; what is missing of the folders is made.
   * @param how.mtimeMs of a file, only where {@link FileLook.actions} has `timed`. @default now
   */
  write(
    jobId: string,
    path: string,
    how: { tar?: boolean; mode?: number; mtimeMs?: number },
    source: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<WrittenFiles>
  remove(jobId: string, path: string, how: { recursive: boolean }, signal: AbortSignal): Promise<void>
  /** What is at a path, a link there as itself. For this and what follows, {@link FileLook.actions} has to name it. */
  lookAt(jobId: string, path: string, signal: AbortSignal): Promise<JobFile>
  /** Renames, or moves; a link itself. @param how.replace whether what is at `to` gives way */
  move(jobId: string, path: string, to: string, how: { replace: boolean }, signal: AbortSignal): Promise<void>
  /** Sets permission bits, or when something was last written; of a link that of where it leads. */
  change(jobId: string, path: string, to: { mode?: number; mtimeMs?: number }, signal: AbortSignal): Promise<void>
}

/** Something in a container. */
export interface JobFile {
  /** Where it is, its last part; of what was asked for by a link, that of where the link leads. */
  name: string
  type: FileType
  /** In bytes; 0 of what is no file. */
  size: number
  /** Permission bits, setuid and its like included. */
  mode: number
  mtimeMs: number
  /** Where a link leads, as it has that; empty of what is none. */
  target: string
}

/** Which part of a folder: names that sort behind `after`, at most `limit` (1000) of them; 0 for none. */
export interface FilePage {
  after?: string
  limit?: number
}

export type { FileAction }

/** What is at a path. */
export interface FileLook {
  file: JobFile
  /** Of a folder, by name; there may be fewer than asked for. */
  entries: JobFile[]
  /** How many the folder has, as far as was counted. */
  total: number
  /** Whether others come behind these. */
  more: boolean
  /** Not all of the folder was looked at. */
  incomplete: boolean
  /** What the provider does beside looking, reading, writing and removing; `itself` is `lookAt`. */
  actions: readonly FileAction[]
}

/** What is read: as a tar, or of a file a part in bytes. */
export interface ReadHow {
  tar?: boolean
  /** @default 0 */
  offset?: number
  /** @default all there are */
  length?: number
}

/** What was written into a container: files, their bytes, and what had no place there. */
export interface WrittenFiles {
  files: number
  bytes: number
  leftOut: LeftOut[]
}

/** A command in a running container. */
export interface ExecRequest {
  /** The program and its arguments, 1 to 256 words: no shell takes them apart. */
  command: string[]
  /** Whether it gets a terminal: then all of its output is stdout. @default false */
  terminal?: boolean
  /** Of the terminal; 0 is the engine's default. @default 0 */
  columns?: number
  /** As `columns`. @default 0 */
  rows?: number
  /** Whether it reads input. @default false */
  input?: boolean
}

/** A command that runs. */
export interface ExecSession {
  /** Everything that it says, `exited` last. Rejects with {@link ReachError} where it broke. */
  output(): AsyncIterable<ExecEvent>
  /** Resolves when there is room for more. */
  write(data: Uint8Array): Promise<void>
  /** Nothing more is written. */
  end(): Promise<void>
  resize(columns: number, rows: number): Promise<void>
  /** Lets go of it; in the container it goes on. */
  close(): void
}

/** What it wrote, as the bytes come, and its exit code at the end. */
export type ExecEvent = { type: 'stdout' | 'stderr'; data: Uint8Array } | { type: 'exited'; exitCode: number }

/** A running container as its provider sees it. */
export interface ContainerView {
  startedAtMs: number
  imageDigest: string
  processes: { pid: number; user: string; command: string }[]
  usage: { memoryBytes: number; memoryLimitBytes: number; processes: number; rxBytes: number; txBytes: number }
  mounts: { path: string; name: string; readOnly: boolean }[]
  networks: { address: string; gateway: string }[]
}

/** `UNREACHABLE` is this side's: the provider cannot be reached, or broke off. */
export type ReachErrorCode = ReachRefusal | 'UNREACHABLE'

/** The provider did not let us in; the message is for people. */
export class ReachError extends Error {
  override readonly name = 'ReachError'
  readonly code: ReachErrorCode

  constructor(code: ReachErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
