import { createHash } from 'node:crypto'

/** Bytes of a stamp; any others are none. */
export const STAMP_BYTES = 8

/** The most bits that a requester works for: about 0.2 s of a core. Nobody can be made to work for more. */
export const MAX_STAMP_BITS = 18

/** What a stamp is for: it is worth nothing on another network, for another requester or another request. */
export interface Stamped {
  /** Name of the market. */
  network: string
  /** Peer id. */
  requester: string
  requestId: Uint8Array
}

/**
 * Work that a request carries where a provider asks for it: its hash begins with so many zero bits. Making one takes about
 * 2^bits hashes, checking it one.
 */
export function stampBits(of: Stamped, stamp: Uint8Array): number {
  return stamp.length === STAMP_BYTES ? leadingZeros(baseOf(of).update(stamp).digest()) : 0
}

/** Finds a stamp of so many bits, without holding up this process. @param pause lets others have their turn */
export async function makeStamp(of: Stamped, bits: number, pause: () => Promise<void>): Promise<Uint8Array> {
  const base = baseOf(of)
  const stamp = new Uint8Array(STAMP_BYTES)
  const view = new DataView(stamp.buffer)
  for (let count = 0; ; count += 1) {
    view.setUint32(0, count)
    if (leadingZeros(base.copy().update(stamp).digest()) >= bits) return stamp
    if (count % TRIES_AT_ONCE === TRIES_AT_ONCE - 1) await pause()
  }
}

/** About 2 ms. */
const TRIES_AT_ONCE = 1_024

function baseOf({ network, requester, requestId }: Stamped) {
  return createHash('sha256').update(`cortex-node/stamp/1\0${network}\0${requester}\0`).update(requestId)
}

function leadingZeros(hash: Uint8Array): number {
  const first = hash.findIndex((byte) => byte !== 0)
  return first === -1 ? 8 * hash.length : 8 * first + Math.clz32(hash[first] ?? 0) - 24
}
