import { setTimeout as sleep } from 'node:timers/promises'
import { CliError } from '../../node/commands/cli-error.ts'
import { statusLine } from '../../node/commands/status-line.ts'
import { CortexError } from '../client/errors.ts'

/** It may be here sooner than a gateway says, which speaks of outputs of any size; in ms. */
const ASK_EVERY_MS = 2_000

/**
 * What is asked for, once it has come from its provider: a job ends before its output is here.
 * @param seconds how long to wait at most
 * @throws {CliError} where it is still on its way then @throws what the gateway says else
 */
export async function awaitedOutput<T>(ask: () => Promise<T>, seconds: number): Promise<T> {
  const endMs = performance.now() + seconds * 1_000
  const line = statusLine()
  try {
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        if (!isOnItsWay(error)) throw error
        if (performance.now() >= endMs) throw new CliError(`${error.message}, or wait longer with --wait`)
        line.now('the output is on its way from its provider')
        await sleep(Math.min(error.retryAfterMs ?? 0, ASK_EVERY_MS))
      }
    }
  } finally {
    line.stop()
  }
}

function isOnItsWay(error: unknown): error is CortexError {
  return error instanceof CortexError && error.code === 'PROVIDER_UNAVAILABLE' && error.retryAfterMs !== undefined
}
