/** Ids, each once, in their order. Newer ones sort after older ones, so that most are added and looked up at one end. */
export interface SortedIds {
  add(id: string): void
  remove(id: string): void
  /** Not a copy: it changes with the next call. */
  newestFirst(): readonly string[]
}

/** Starts empty; a place is found by halving. */
export function createSortedIds(): SortedIds {
  const ids: string[] = []

  /** Of the first that is not after this one. */
  function placeOf(id: string): number {
    let [low, high] = [0, ids.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((ids[middle] as string) > id) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    add(id) {
      const at = placeOf(id)
      if (ids[at] !== id) ids.splice(at, 0, id)
    },
    remove(id) {
      const at = placeOf(id)
      if (ids[at] === id) ids.splice(at, 1)
    },
    newestFirst: () => ids,
  }
}
