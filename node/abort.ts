/** Calls back when the signal aborts; at once where it already has. */
export function onAbort(signal: AbortSignal, callback: () => void): void {
  if (signal.aborted) callback()
  else signal.addEventListener('abort', callback, { once: true })
}

/** Resolves when the signal aborts. */
export async function whenAborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  onAbort(signal, resolve)
  await promise
}

/** The promise's outcome, or a rejection with the signal's reason where that aborts first; the promise runs on. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise
  const aborted = Promise.withResolvers<never>()
  const reject = (): void => aborted.reject(signal.reason)
  onAbort(signal, reject)
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', reject)
  }
}

/**
 * Aborts with the first of the signals, or after `ms` with a `TimeoutError`. In place of `AbortSignal.any` with an
 * `AbortSignal.timeout`: where nobody listens to that when garbage is collected, Node 24 forgets it, and it never aborts.
 * Where there is a clock to wait by, or what is guarded ends by itself, see `deadline`.
 */
export function abortedWithin(ms: number, ...signals: AbortSignal[]): AbortSignal {
  const first = new AbortController()
  const over = new AbortController()
  const abort = (reason: unknown): void => {
    clearTimeout(timer)
    over.abort()
    first.abort(reason)
  }
  const timer = setTimeout(() => abort(new DOMException(`It took longer than ${ms} ms`, 'TimeoutError')), ms)
  timer.unref()
  for (const signal of signals) {
    if (signal.aborted) abort(signal.reason)
    else signal.addEventListener('abort', () => abort(signal.reason), { once: true, signal: over.signal })
  }
  return first.signal
}
