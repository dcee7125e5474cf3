/**
 * Whose process has this id: `own` is one of this user's, `foreign` another user's, and null nobody's. Ids are given anew: who
 * knows that the process it asks for is of its own user takes a foreign one for another.
 */
export function processOf(pid: number): 'own' | 'foreign' | null {
  try {
    process.kill(pid, 0)
    return 'own'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'foreign' : null
  }
}
