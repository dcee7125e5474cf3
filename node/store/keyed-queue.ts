/** Runs tasks of one key one after another, tasks of different keys side by side. */
export interface KeyedQueue {
  run<T>(key: string, task: () => Promise<T>): Promise<T>
}

/** Keeps nothing of a key once its last task has ended. */
export function createKeyedQueue(): KeyedQueue {
  const tails = new Map<string, Promise<unknown>>()
  return {
    async run(key, task) {
      // The one before has told its own caller how it went.
      const turn = (tails.get(key) ?? Promise.resolve()).catch(() => undefined).then(task)
      tails.set(key, turn)
      try {
        return await turn
      } finally {
        if (tails.get(key) === turn) tails.delete(key)
      }
    },
  }
}
