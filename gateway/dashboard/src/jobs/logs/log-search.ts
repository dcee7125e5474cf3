import { MAX_QUERY_TEXT } from '../../../../contract/job-filter.ts'
import type { LogView } from './protocol.ts'

/** What a link to a place in a job's log says of it, in the page's address. */
export interface LogSearch {
  /** `12`, or `12-20`: lines by their numbers. */
  line?: string | undefined
  /** Text that is looked for. */
  find?: string | undefined
  /** Whether only lines with that text are shown. */
  only?: true | undefined
  stream?: 'stdout' | 'stderr' | undefined
  attempt?: number | undefined
}

/** The same of an address; what makes no sense is left out. */
export function logSearchOf({ line, find, only, stream, attempt }: Record<string, unknown>): LogSearch {
  const text = (value: unknown) => (typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value))
  const search: LogSearch = {
    line: linesOf(text(line)) === null ? undefined : text(line),
    find: find === undefined || find === '' ? undefined : text(find).slice(0, MAX_QUERY_TEXT),
    only: only === true ? true : undefined,
    stream: stream === 'stdout' || stream === 'stderr' ? stream : undefined,
    attempt: Number.isSafeInteger(attempt) && Number(attempt) > 0 ? Number(attempt) : undefined,
  }
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined))
}

/** The first and the last line of `12-20`, or of `12`; null where it is neither. */
export function linesOf(text: string | undefined): { from: number; to: number } | null {
  const [, first, last] = /^([1-9]\d{0,14})(?:-([1-9]\d{0,14}))?$/.exec(text ?? '') ?? []
  if (first === undefined) return null
  const ends = [Number(first), Number(last ?? first)]
  return { from: Math.min(...ends), to: Math.max(...ends) }
}

/** Which lines an address shows. */
export function viewOf({ stream, attempt, find, only }: LogSearch): LogView {
  return { stream: stream ?? 'all', attempt: attempt ?? null, search: find ?? '', onlyMatches: only ?? false }
}

/** What of an address says which lines are shown. */
export function searchOf({ stream, attempt, search, onlyMatches }: LogView): Omit<LogSearch, 'line'> {
  return {
    stream: stream === 'all' ? undefined : stream,
    attempt: attempt ?? undefined,
    find: search === '' ? undefined : search,
    only: onlyMatches && search !== '' ? true : undefined,
  }
}
