/** Requests under way together. */
const AT_A_TIME = 5

/**
 * Does something to each of many, a few at a time, also where it does not work for some. Called again it leaves out
 * those for which it worked. @throws where it did not work for all: how many, and why not for the first of them
 */
export function eachOnce<T>(many: readonly T[], act: (one: T) => Promise<unknown>): () => Promise<void> {
  let left = many
  return async () => {
    const failed: { one: T; reason: unknown }[] = []
    for (let i = 0; i < left.length; i += AT_A_TIME) {
      const some = left.slice(i, i + AT_A_TIME)
      const results = await Promise.allSettled(some.map(act))
      failed.push(
        ...some.flatMap((one, at) => {
          const result = results[at]
          return result?.status === 'rejected' ? [{ one, reason: result.reason }] : []
        }),
      )
    }
    left = failed.map(({ one }) => one)
    const [first] = failed
    if (first === undefined) return
    if (many.length === 1) throw first.reason
    const reason = first.reason instanceof Error ? first.reason.message : String(first.reason)
    throw new Error(
      `It worked for ${many.length - left.length}, and not for ${left.length}, which alone the next try is for: ${reason}`,
      { cause: first.reason },
    )
  }
}
