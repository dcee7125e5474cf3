import type { Database } from '../../node/store/database.ts'
import { batchOf } from '../../node/store/whole-keys.ts'
import type { Aside, Mend, Problem } from '../../node/upkeep/problem.ts'
import type { StoreName } from './check-gateway.ts'

/** Mends that are written together. */
const AT_A_TIME = 200

/** What was done, counted by its kind. */
export interface Done {
  what: string
  kind: string
  how: string
  count: number
  /** In words. */
  text: string
}

interface Waiting {
  mend: Mend
  why: string
  store: StoreName
  database: Database
}

/** Does what mends problems, in the order in which they are found. */
export interface Mender {
  /** Nothing where only its owner can mend it, or its database is not open. */
  mend(what: string, problem: Problem, store: StoreName, database: Database | null): Promise<void>
  settled(): Promise<void>
  done(): Done[]
}

/** What goes is kept aside, on the disk, before it goes. */
export function createMender(aside: Aside): Mender {
  const counts = new Map<string, Omit<Done, 'text'>>()
  // Weakly, for each may hold what it takes away.
  const once = new WeakSet<Mend>()
  let waiting: Waiting[] = []

  async function settled(): Promise<void> {
    const now = waiting
    waiting = []
    await aside.records(
      now.flatMap(({ mend, why, store }) => (mend.aside ?? []).map((record) => ({ store, record, why }))),
    )
    for (const { mend } of now) await mend.act?.(aside)
    for (const [database, own] of Map.groupBy(now, (one) => one.database)) {
      await database.batch(
        own.flatMap(({ mend }) => writesOf(mend)),
        { sync: true },
      )
    }
  }

  return {
    settled,
    async mend(what, { kind, mend }, store, database) {
      if (mend === null || database === null) return
      const name = `${what} ${kind}`
      const { how } = mend
      const counted = counts.get(name) ?? { what, kind, how, count: 0 }
      counted.count += 1
      counts.set(name, counted)
      // The same for many problems, such as lists that are made anew.
      if (once.has(mend)) return
      once.add(mend)
      waiting.push({ mend, why: `${what}: ${kind}`, store, database })
      if (waiting.length >= AT_A_TIME) await settled()
    },
    done: () =>
      [...counts.values()].map((one) => ({ ...one, text: `${one.what}: ${one.count} ${one.kind}: ${one.how}` })),
  }
}

function writesOf({ aside = [], writes = [] }: Mend) {
  return batchOf([...aside.map(([key]) => ({ key })), ...writes])
}
