/** ISO 8601 in UTC, as everywhere in the API. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

/** The same of a time that may not have come. */
export function isoTimeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms)
}
