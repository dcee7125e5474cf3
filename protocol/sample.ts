import { createHash } from 'node:crypto'

/** A whole: everyone answers. */
export const SAMPLE_ALL = 1_000_000

/**
 * Whether this provider is among those who should answer this request: each decides alone, from what everyone knows, so
 * a request in a large network costs about as many answers as were asked for.
 *
 * @param samplePerMillion 1..1_000_000
 */
export function isSampled(requestId: Uint8Array, peerId: string, samplePerMillion: number): boolean {
  if (samplePerMillion >= SAMPLE_ALL) return true
  const hash = createHash('sha256').update(requestId).update(peerId).digest()
  return (hash.readUInt32BE(0) * SAMPLE_ALL) / 2 ** 32 < samplePerMillion
}
