import { del, type Operation, put } from '../writer.ts'

/** Counters kept in memory while nobody changes them. */
const MAX_IDLE = 20_000

interface Table {
  getMany(keys: string[]): Promise<(number | undefined)[]>
}

/**
 * Counters in a table. Many changes may be under way at once, so a counter that one of them holds lives in memory until
 * its value is written; others are read when they are wanted, since there is one for each label and batch.
 */
export interface Counters {
  /** Reads them, and keeps them until they are released as often. */
  hold(keys: string[]): Promise<void>
  /** Only for counters that are held. */
  add(key: string, by: number): Operation
  release(keys: string[]): void
}

interface Held {
  value: number
  holders: number
}

/** Counters of one table; one that comes to 0 is deleted from it. */
export function createCounters(table: Table & Parameters<typeof put<number>>[0]): Counters {
  const held = new Map<string, Held>()
  const reading = new Map<string, Promise<void>>()

  async function read(keys: string[]): Promise<void> {
    const values = await table.getMany(keys)
    keys.forEach((key, i) => {
      held.set(key, { value: values[i] ?? 0, holders: 0 })
    })
  }

  function load(keys: string[]): Promise<void> {
    const done = read(keys).finally(() => {
      for (const key of keys) reading.delete(key)
    })
    for (const key of keys) reading.set(key, done)
    return done
  }

  function evict(): void {
    for (const [key, counter] of held) {
      if (held.size <= MAX_IDLE) return
      if (counter.holders === 0) held.delete(key)
    }
  }

  return {
    async hold(keys) {
      // What another one reads may be forgotten again before its reader is told, so it is looked at again.
      for (;;) {
        const missing = keys.filter((key) => !held.has(key))
        if (missing.length === 0) break
        const fresh = missing.filter((key) => !reading.has(key))
        const awaited = new Set(missing.flatMap((key) => reading.get(key) ?? []))
        await Promise.all(fresh.length === 0 ? awaited : [...awaited, load(fresh)])
      }
      for (const key of keys) {
        const counter = held.get(key)
        if (counter !== undefined) counter.holders += 1
      }
    },
    add(key, by) {
      const counter = held.get(key)
      if (counter === undefined || counter.holders === 0) throw new Error(`The counter ${key} is not held`)
      counter.value += by
      return counter.value === 0 ? del(table, key) : put(table, key, counter.value)
    },
    release(keys) {
      for (const key of keys) {
        const counter = held.get(key)
        if (counter !== undefined) counter.holders -= 1
      }
      if (held.size > MAX_IDLE) evict()
    },
  }
}
