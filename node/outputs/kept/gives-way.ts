/** One output on this peer's disk, or on its way there. */
export interface Held {
  jobId: string
  owner: string
  bytes: number
  keptAtMs: number
}

/**
 * What goes so that all fit: the first of whoever holds the most, again and again, so that nobody's outputs push out
 * those of an owner who has less.
 *
 * @param held in the order in which an owner's own go
 * @param arriving counts for its owners, and stays
 */
export function givesWay(held: Held[], arriving: Held[], maxTotalBytes: number): Held[] {
  const ofOwner = Map.groupBy([...held, ...arriving], ({ owner }) => owner)
  const sums = new Map([...ofOwner].map(([owner, all]) => [owner, all.reduce((sum, { bytes }) => sum + bytes, 0)]))
  const left = Map.groupBy(held, ({ owner }) => owner)
  const going: Held[] = []
  let total = [...sums.values()].reduce((sum, bytes) => sum + bytes, 0)
  while (total > maxTotalBytes) {
    const [owner] = [...left.keys()].toSorted((a, b) => (sums.get(b) ?? 0) - (sums.get(a) ?? 0))
    if (owner === undefined) break
    const one = left.get(owner)?.shift()
    if (one === undefined) {
      left.delete(owner)
      continue
    }
    going.push(one)
    total -= one.bytes
    sums.set(owner, (sums.get(owner) ?? 0) - one.bytes)
  }
  return going
}
