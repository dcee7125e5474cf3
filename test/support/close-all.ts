/**
 * Closes what a test has opened, one after the other, those after one that fails, too: a server that is left open keeps the
 * test's process for ever.
 *
 * @throws what went wrong, once all were tried
 */
export async function closeAll(...steps: (() => unknown)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join('\n'))
  if (errors.length === 1) throw errors[0]
}
