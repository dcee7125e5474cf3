/**
 * Yields at once, and again after each change that came since the last look began, until the signal aborts. It listens
 * before the first look, so nothing that changes in between is missed. Whoever looks reads for itself what there is.
 *
 * @param listen has a callback called after each change; answers the way to stop
 */
export async function* looks(
  listen: (changed: () => void) => () => void,
  signal?: AbortSignal,
): AsyncGenerator<undefined, void> {
  let change = Promise.withResolvers<void>()
  const wake = (): void => change.resolve()
  const stop = listen(wake)
  signal?.addEventListener('abort', wake)
  const isOver = (): boolean => signal?.aborted === true
  try {
    while (!isOver()) {
      change = Promise.withResolvers()
      yield undefined
      if (!isOver()) await change.promise
    }
  } finally {
    stop()
    signal?.removeEventListener('abort', wake)
  }
}
