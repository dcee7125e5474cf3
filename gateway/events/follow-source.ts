import { looks } from '../../node/looks.ts'

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
export async function* followSource<T>(source: Source<T>, signal: AbortSignal): AsyncGenerator<T[]> {
  for await (const _ of looks((changed) => source.onChange(changed), signal)) {
    for (;;) {
      const ended = await source.ended()
      const batch = await source.read()
      if (batch.length === 0 && ended) return
      if (batch.length === 0) break
      yield batch
      if (signal.aborted) return
    }
  }
}
