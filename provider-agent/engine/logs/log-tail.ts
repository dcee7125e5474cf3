/** How much of the log's end is remembered, in bytes. Each record has a timestamp in nanoseconds, so a few are unique. */
const tailBytes = 4 * 1024

/** Remembers the end of what was read, to find the place again in another reading of the same log. */
export interface LogTail {
  /** Takes in that `bytes[0, end)` came next. */
  add(bytes: Buffer, end: number): void
  bytes(): Buffer
}

/** Empty before the first {@link LogTail.add}. */
export function createLogTail(): LogTail {
  let tail: Buffer = Buffer.alloc(0)
  return {
    add(bytes, end) {
      const start = Math.max(0, end - tailBytes)
      const fresh = bytes.subarray(start, end)
      const kept = tail.subarray(Math.max(0, tail.length - (tailBytes - fresh.length)))
      tail = Buffer.concat([kept, fresh])
    },
    bytes: () => tail,
  }
}

/**
 * What comes behind `tail` in `window`, or null where that cannot be told: it is not there, or several times (fragments
 * of one very long line can be alike to the last byte).
 */
export function findAfter(tail: Buffer, window: Buffer): Buffer | null {
  const at = tail.length === 0 ? -1 : window.indexOf(tail)
  return at === -1 || window.lastIndexOf(tail) !== at ? null : window.subarray(at + tail.length)
}
