/**
 * Does something with each of many, several at a time, and takes them in order: each is begun before the next is. The first
 * that fails ends the others.
 *
 * @param signal ends all @throws the first failure, or the signal's reason, once none is at work any more
 */
export async function inLanes<T>(
  lanes: number,
  items: Iterable<T>,
  signal: AbortSignal,
  task: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const scope = new AbortController()
  const both = AbortSignal.any([signal, scope.signal])
  const queue = items[Symbol.iterator]()
  const lane = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      both.throwIfAborted()
      await task(next.value, both)
    }
  }
  const all = Array.from({ length: lanes }, async () => {
    await lane().catch((error: unknown) => {
      scope.abort(error)
      throw error
    })
  })
  await Promise.allSettled(all)
  scope.signal.throwIfAborted()
}
