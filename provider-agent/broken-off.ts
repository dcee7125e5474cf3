/**
 * Runs a step of a start, which `end` ends early once the signal aborts.
 *
 * @throws the signal's reason, once the step has ended
 */
export async function unlessBrokenOff(
  signal: AbortSignal | undefined,
  step: () => Promise<void>,
  end: () => Promise<unknown>,
): Promise<void> {
  signal?.throwIfAborted()
  const over = new AbortController()
  let ending: Promise<unknown> = Promise.resolve()
  signal?.addEventListener('abort', () => (ending = end()), { once: true, signal: over.signal })
  try {
    await step()
  } catch (error) {
    signal?.throwIfAborted() // it failed by being ended
    throw error
  } finally {
    over.abort()
    await ending
  }
  signal?.throwIfAborted()
}
