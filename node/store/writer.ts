import type { AbstractSublevel } from 'abstract-level'
import type { BatchOperation } from 'classic-level'
import type { Database } from './database.ts'
import type { Tables } from './tables.ts'

export type Operation = BatchOperation<Database, string, string>

/** Any of the store's sublevels; each encodes its values by itself. */
type Sublevel = NonNullable<Operation['sublevel']>

export function put<V>(
  sublevel: AbstractSublevel<Database, string | Buffer | Uint8Array, string, V>,
  key: string,
  value: V,
): Operation {
  // One batch holds operations on sublevels with values of different types, which the library's types cannot say.
  return { type: 'put', sublevel: sublevel as unknown as Sublevel, key, value: value as unknown as string }
}

export function del(sublevel: Tables[keyof Tables], key: string): Operation {
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
