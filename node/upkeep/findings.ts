import type { LookedAt, Problem } from './problem.ts'

/** Examples of one kind that are shown. */
const SHOWN = 3

/** A row of what was looked at: with a problem, or all that is well with it. */
export interface UpkeepRow {
  what: string
  /** How many were looked at. */
  count: number
  state: 'ok' | 'warn' | 'fail'
  /** How many have this problem. */
  wrong: number
  /** For people; empty where nothing is wrong. */
  found: string
  remedy: string
}

/** Problems of a kind, counted. */
export interface Findings {
  add(what: string, problem: Problem): void
  looked(lookedAt: LookedAt): void
  /** In the order in which things were looked at, each problem in a row of its own. */
  rows(): UpkeepRow[]
}

interface Kind extends Pick<Problem, 'kind' | 'remedy' | 'mend'> {
  state: 'warn' | 'fail'
  wrong: number
  examples: string[]
}

/** However many there are, what is kept of them is little. @param repair the command that mends, for people */
export function createFindings(repair: string): Findings {
  const counts = new Map<string, number>()
  const kinds = new Map<string, Map<string, Kind>>()

  return {
    add(what, { kind, which, state = 'fail', remedy, mend }) {
      if (!counts.has(what)) counts.set(what, 0)
      const own = kinds.get(what) ?? new Map<string, Kind>()
      kinds.set(what, own)
      const known = own.get(kind) ?? { kind, state, remedy, mend, wrong: 0, examples: [] }
      own.set(kind, known)
      known.wrong += 1
      if (known.examples.length < SHOWN) known.examples.push(which)
    },
    looked({ what, count }) {
      counts.set(what, (counts.get(what) ?? 0) + count)
    },
    rows: () =>
      [...counts].flatMap(([what, count]): UpkeepRow[] => {
        const own = [...(kinds.get(what)?.values() ?? [])]
        if (own.length === 0) return [{ what, count, state: 'ok', wrong: 0, found: '', remedy: '' }]
        return own.map(({ kind, state, remedy, mend, wrong, examples }) => {
          const more = wrong > examples.length ? ', …' : ''
          const which = examples.filter((one) => one !== '').join(', ')
          const found = `${wrong === 1 ? '' : `${wrong} `}${kind}${which === '' ? '' : `: ${which}${more}`}`
          return {
            what,
            count,
            state,
            wrong,
            found,
            remedy: remedy ?? (mend === null ? '' : `${repair} (${mend.how})`),
          }
        })
      }),
  }
}
