import { CliError } from '../../node/commands/cli-error.ts'
import type { ForwardRule } from './job-reach.ts'

/** Bytes on their way to the gateway before a local connection is read no further, or its datagrams are lost. */
export const HIGH_WATER_BYTES = 256 * 1024

/** A local port that is carried. */
export interface Listener {
  rule: ForwardRule
  localPort: number
  close(): Promise<void>
}

/** What a user is told whose local port cannot be had. */
export function cannotListen({ host, localPort }: ForwardRule, cause: NodeJS.ErrnoException): CliError {
  const remedy = cause.code === 'EADDRINUSE' ? 'it is in use: choose another, or 0 for any free one' : cause.message
  return new CliError(`Cannot listen on ${host}:${localPort}: ${remedy}`, 1, { cause })
}
