/** One output on this peer's disk, or on its way there. */
export interface Held {
  jobId: string
  owner: string
  bytes: number
  keptAtMs: number
}

/**
 * What goes so that one more fits: the first of whoever holds the most, again and again, and of nobody who holds less than
 * its own owner does with it. So no owner's outputs push out those of another who has less.
 *
 * @param one on its way here; it is among `arriving`
 * @param held in the order in which an owner's own go
 * @param arriving counts for its owners, and stays
 * @returns null where there is no room for it so
 */
export function givesWay(one: Held, held: Held[], arriving: Held[], roomBytes: number): Held[] | null {
  const sums = sumsOf([...held, ...arriving])
  const left = Map.groupBy(held, ({ owner }) => owner)
  const going: Held[] = []
  let total = [...sums.values()].reduce((sum, bytes) => sum + bytes, 0)
  const sumOf = (owner: string): number => sums.get(owner) ?? 0
  while (total > roomBytes) {
    const owners = [...left.keys()].filter((owner) => owner === one.owner || sumOf(owner) >= sumOf(one.owner))
    const [owner] = owners.toSorted((a, b) => sumOf(b) - sumOf(a))
    if (owner === undefined) return null
    const first = left.get(owner)?.shift()
    if (first === undefined) {
      left.delete(owner)
      continue
    }
    going.push(first)
    total -= first.bytes
    sums.set(owner, sumOf(owner) - first.bytes)
  }
  return going
}

function sumsOf(all: Held[]): Map<string, number> {
  const ofOwner = Map.groupBy(all, ({ owner }) => owner)
  return new Map([...ofOwner].map(([owner, of]) => [owner, of.reduce((sum, { bytes }) => sum + bytes, 0)]))
}
