import type { Duplex } from 'node:stream'
import type { AbortOptions } from './index.ts'

/** Runs a command in a container, by its name. Rejects with `EngineError` `INVALID_COMMAND` where there is no such program. */
export type RunCommand = (name: string, request: ExecRequest, options?: AbortOptions) => Promise<RunningExec>

/** A command that is to run in a container, as its requester asks. */
export interface ExecRequest {
  command: string[]
  /** Whether it gets a terminal. */
  terminal: boolean
  /** Of the terminal; 0 is the engine's default. */
  columns: number
  /** As the columns. */
  rows: number
  /** Whether it reads input. */
  input: boolean
}

/** A command in a container, from its start on. */
export interface RunningExec {
  /** Both ways: input is written to it, and output read from it; {@link RunningExec.framed} says how. */
  stream: Duplex
  /** Whether output comes in the engine's frames, stdout and stderr apart; else it is a terminal's. */
  framed: boolean
  resize(columns: number, rows: number): Promise<void>
  /** Once the output has ended. */
  exitCode(): Promise<number>
  /** Ends it where it is on this machine and this user may; see `endExec`. */
  end(): Promise<void>
}
