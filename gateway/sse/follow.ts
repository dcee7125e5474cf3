/** Reads what is new after a position. */
export interface Source<T> {
  /** The next batch, oldest first; empty where there is nothing yet. */
  read(): Promise<T[]>
  /** Whether nothing will come after what `read` has answered; asked before a read. */
  ended(): Promise<boolean>
  /** Calls back when there may be more. Returns the way to stop. */
  onChange(callback: () => void): () => void
}

/**
 * Batches of everything that a source has and gets, until it has ended or the signal aborts. It listens before it reads,
 * so nothing written in between is missed, and holds one batch at a time.
 */
export async function* follow<T>(source: Source<T>, signal: AbortSignal): AsyncGenerator<T[]> {
  const waker = createWaker()
  const stop = source.onChange(waker.wake)
  signal.addEventListener('abort', waker.wake)
  try {
    while (!signal.aborted) {
      const changed = waker.next()
      const ended = await source.ended()
      const batch = await source.read()
      if (batch.length > 0) yield batch
      else if (ended) return
      else await changed
    }
  } finally {
    stop()
    signal.removeEventListener('abort', waker.wake)
  }
}

/** `next()` resolves at the first `wake()` after it was called. */
function createWaker() {
  let waiting = Promise.withResolvers<void>()
  return {
    wake(): void {
      waiting.resolve()
      waiting = Promise.withResolvers()
    },
    next: (): Promise<void> => waiting.promise,
  }
}
