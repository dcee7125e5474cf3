/** The range that holds all keys. */
export const EVERY_KEY = ['', '\u{10ffff}'] as const

/** A write by a whole key. */
export interface KeyWrite {
  key: string
  /** Absent: the key goes. */
  value?: string
}

/** Writes as a batch of the library takes them. */
export function batchOf(writes: readonly KeyWrite[]) {
  return writes.map(({ key, value }) =>
    value === undefined ? { type: 'del' as const, key } : { type: 'put' as const, key, value },
  )
}
