/** Whether two multitudes of keys are the same, and if not, where they differ: in little memory, however many there are. */

const BUCKETS = 65_536

/** Expected keys are added, those that are there are taken off: what is left in a bucket tells that it differs. */
export interface Balance {
  /** @param amount how often, or what it counts; a whole number */
  expect(key: string, amount?: number): void
  find(key: string, amount?: number): void
  /** Whether anything differs at all. */
  differs(): boolean
  /** Whether a key is in a bucket that differs. */
  isSuspect(key: string): boolean
}

/** Sums of hashes, each of 64 bits: they are 0 where all was found that was expected, and nothing else. */
export function createBalance(): Balance {
  const [low, high] = [new Int32Array(BUCKETS), new Int32Array(BUCKETS)]

  function add(key: string, amount: number): void {
    const { bucket, first, second } = hashOf(key)
    // Modulo 2^32, in which sums of products are those of all their parts, in whichever order.
    const times = (amount % 4_294_967_296) | 0
    low[bucket] = ((low[bucket] as number) + Math.imul(first, times)) | 0
    high[bucket] = ((high[bucket] as number) + Math.imul(second, times)) | 0
  }

  const isOff = (bucket: number): boolean => low[bucket] !== 0 || high[bucket] !== 0

  return {
    expect: (key, amount = 1) => add(key, amount),
    find: (key, amount = 1) => add(key, -amount),
    differs: () => low.some((_, bucket) => isOff(bucket)),
    isSuspect: (key) => isOff(hashOf(key).bucket),
  }
}

/** Two ways of the same kind (FNV and Murmur's mixing) at once. */
function hashOf(key: string): { bucket: number; first: number; second: number } {
  let first = 0x811c9dc5
  let second = 0x9747b28c
  for (let i = 0; i < key.length; i += 1) {
    const code = key.charCodeAt(i)
    first = Math.imul(first ^ code, 0x01000193)
    second = Math.imul((second << 13) | (second >>> 19), 5) + (code ^ 0x5bd1e995)
  }
  first = mixed(first)
  second = mixed(second ^ first)
  // Odd, so that no amount makes nothing of them.
  return { bucket: (first ^ (first >>> 16)) & (BUCKETS - 1), first: first | 1, second: second | 1 }
}

function mixed(value: number): number {
  let mix = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35)
  return mix ^ (mix >>> 16)
}
