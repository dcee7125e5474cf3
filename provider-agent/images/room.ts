/** Stays free whatever images come, in bytes, or a tenth of what is free where that is less. */
const REST_BYTES = 256 * 2 ** 20

/**
 * Bytes that images may take of a disk.
 *
 * @param promisedBytes what running jobs may still write
 */
export function imageRoom(freeBytes: number, promisedBytes = 0): number {
  return Math.floor(freeBytes - promisedBytes - Math.min(REST_BYTES, freeBytes / 10))
}
