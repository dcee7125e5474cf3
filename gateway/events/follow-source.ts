import { looks } from '../../node/looks.ts'

/** Reads what is new after a position. */
export interface Source<T> {
  /** The next batch, oldest first; empty where there is nothing yet. */
  read(): Promise<T[]>
  /** Whether nothing will come after what `read` answers from now on; asked when it has answered nothing. */
  ended(): Promise<boolean>
  /** Calls back when there may be more. Returns the way to stop. */
  onChange(callback: () => void): () => void
}

/**
 * Batches of everything that a source has and gets, until it has ended or the signal aborts. It listens before it reads,
 * so nothing written in between is missed, and holds one batch at a time.
 */
export async function* followSource<T>(source: Source<T>, signal: AbortSignal): AsyncGenerator<T[]> {
  for await (const _ of looks((changed) => source.onChange(changed), signal)) {
    let ended = false
    for (;;) {
      const batch = await source.read()
      if (batch.length > 0) {
        yield batch
        if (signal.aborted) return
        continue
      }
      if (ended) return
      // What came between the read that found nothing and the end is found by one more.
      ended = await source.ended()
      if (!ended) break
    }
  }
}
