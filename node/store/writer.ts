import type { AbstractSublevel } from 'abstract-level'
import type { BatchOperation } from 'level'
import type { Database } from './database.ts'

/** One put or delete, on whichever sublevel it names. */
export type Operation = BatchOperation<Database, string, string>

/** Any of the store's sublevels; each encodes its values by itself. */
type Sublevel = NonNullable<Operation['sublevel']>

/** Stores a value under a key of a sublevel, once it is written as part of a batch. */
export function put<V>(
  sublevel: AbstractSublevel<Database, string | Buffer | Uint8Array, string, V>,
  key: string,
  value: V,
): Operation {
  // One batch holds operations on sublevels with values of different types, which the library's types cannot say.
  return { type: 'put', sublevel: sublevel as unknown as Sublevel, key, value: value as unknown as string }
}

/** Removes a key of a sublevel; one that is not there is no error. */
export function del<V>(
  sublevel: AbstractSublevel<Database, string | Buffer | Uint8Array, string, V>,
  key: string,
): Operation {
  return { type: 'del', sublevel: sublevel as unknown as Sublevel, key }
}

/**
 * Writes in the order in which it was asked to. What comes while a batch is under way goes into the next one together,
 * so many small changes cost few writes, and each change is whole or absent.
 */
export interface Writer {
  /** @param durable whether the change must survive a power cut; any change survives the end of the process. */
  write(operations: Operation[], durable?: boolean): Promise<void>
  /** Resolves when everything asked so far is written. */
  idle(): Promise<void>
}

interface Waiting {
  operations: Operation[]
  durable: boolean
  done: PromiseWithResolvers<void>
}

/** Whoever waits for a write is told when its batch is written; a batch that fails, fails for all that is in it. */
export function createWriter(database: Database): Writer {
  let waiting: Waiting[] = []
  let running: Promise<void> = Promise.resolve()
  let active = false

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      const operations = batch.flatMap((entry) => entry.operations)
      try {
        await database.batch(operations, { sync: batch.some((entry) => entry.durable) })
        for (const entry of batch) entry.done.resolve()
      } catch (error) {
        for (const entry of batch) entry.done.reject(error)
      }
    }
    active = false
  }

  return {
    write(operations, durable = false) {
      const done = Promise.withResolvers<void>()
      waiting.push({ operations, durable, done })
      if (!active) {
        active = true
        running = Promise.resolve().then(drain)
      }
      return done.promise
    },
    idle: () => running,
  }
}
