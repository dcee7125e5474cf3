/** Requests under way together. */
const AT_A_TIME = 5

/** Does something to each of many, a few at a time. @throws what the first of those threw that did not work */
export async function each<T>(many: readonly T[], act: (one: T) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < many.length; i += AT_A_TIME) {
    await Promise.all(many.slice(i, i + AT_A_TIME).map(act))
  }
}
