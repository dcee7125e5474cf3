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
   * Runs a command in the container; its output is read to the end, or the signal aborted.
   * @throws {ReachError} @throws {JobNotFoundError} @throws {JobStateError} where it does not run
   */
  exec(jobId: string, request: ExecRequest, signal: AbortSignal): Promise<ExecSession>

  /** @throws {ReachError} @throws {JobNotFoundError} @throws {JobStateError} where it does not run */
  inspect(jobId: string, signal: AbortSignal): Promise<ContainerView>
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
