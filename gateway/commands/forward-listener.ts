import type { WebSocket } from 'ws'
import { CliError } from '../../node/commands/cli-error.ts'
import { listenProblem } from '../../node/system-problem.ts'

/** Where a port is reached from here. */
export interface ForwardRule {
  host: string
  /** 0 is any free one. */
  localPort: number
  port: number
  protocol: 'TCP' | 'UDP'
}

/** Bytes on their way to the gateway before a local connection is read no further, or its datagrams are lost. */
export const HIGH_WATER_BYTES = 256 * 1024

/** A local port that is carried. */
export interface Listener {
  rule: ForwardRule
  localPort: number
  close(): Promise<void>
}

/** The way to a job's port. */
export interface Way<Opened = WebSocket> {
  open(): Opened
  /** Whether the job runs: where it does not, a connection would only be refused by the gateway. */
  isOpen(): boolean
}

/** What a user is told whose local port cannot be had. */
export function cannotListen({ host, localPort }: ForwardRule, cause: NodeJS.ErrnoException): CliError {
  const remedy = listenProblem(cause.code, { port: ', or 0 for any free one', address: '' }) ?? cause.message
  return new CliError(`Cannot listen on ${host}:${localPort}: ${remedy}`, 1, { cause })
}
