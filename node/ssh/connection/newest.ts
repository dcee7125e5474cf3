/**
 * Does one thing at a time. What is asked for meanwhile is done after it, of each name what came last: so nobody has more
 * done than can be done.
 *
 * @param doing what fails is left
 */
export function newestOfEach<T>(doing: (value: T) => Promise<void>): (name: string, value: T) => void {
  const waiting = new Map<string, T>()
  let isBusy = false

  async function work(): Promise<void> {
    isBusy = true
    for (const [name, value] of waiting) {
      waiting.delete(name)
      await doing(value).catch(() => undefined)
    }
    isBusy = false
  }

  return (name, value) => {
    waiting.set(name, value)
    if (!isBusy) void work()
  }
}
