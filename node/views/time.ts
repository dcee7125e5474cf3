/** What was asked for last: many lines of a log have the same time. */
let last = { ms: 0, text: new Date(0).toISOString() }

/** ISO 8601 in UTC, as everywhere in the API. */
export function isoTime(ms: number): string {
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() }
  return last.text
}

/** The same of a time that may not have come. */
export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms)
}
