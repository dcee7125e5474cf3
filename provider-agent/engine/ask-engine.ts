import { toEngineError } from './errors.ts'
import type { EngineError } from './index.ts'

/** How dockerode takes an abort signal. */
export interface Abort {
  abortSignal?: AbortSignal
}

/**
 * Runs one conversation with the engine. Rejects with the signal's reason when it was aborted, whatever the conversation
 * made of that, and else with what `toError` makes of the failure.
 *
 * @param doing What was attempted, for people, e.g. `"starting job-1"`.
 */
export async function askEngine<T>(
  doing: string,
  signal: AbortSignal | undefined,
  run: (abort: Abort) => Promise<T>,
  toError: (error: unknown, doing: string) => EngineError = toEngineError,
): Promise<T> {
  signal?.throwIfAborted()
  try {
    return await run(signal === undefined ? {} : { abortSignal: signal })
  } catch (error) {
    signal?.throwIfAborted()
    throw toError(error, doing)
  }
}
