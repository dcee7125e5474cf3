import type { Inside } from './inside.ts'

/** What is there is not for this program to act on by the kernel, though the engine or a program of the image may. */
export class NotByKernelError extends Error {
  override readonly name = 'NotByKernelError'
}

/**
 * Does something by the kernel, and in another way where that is not for this program: the container's kernel is another, the
 * agent has few of root's powers, as its packages give it, or {@link NotByKernelError} says so.
 *
 * @param root closed behind it; null where the kernel is another
 */
export async function kernelFirst<T>(
  root: Inside | null,
  byKernel: (inside: Inside) => Promise<T>,
  otherwise: () => Promise<T>,
): Promise<T> {
  if (root !== null) {
    await using inside = root
    try {
      return await byKernel(inside)
    } catch (cause) {
      if (!isForbidden(cause) && !(cause instanceof NotByKernelError)) throw cause
    }
  }
  return await otherwise()
}

/** Whether the system lets this program not do it, though somebody else may be able to. */
export function isForbidden(cause: unknown): boolean {
  return ['EPERM', 'EACCES'].includes((cause as NodeJS.ErrnoException).code ?? '')
}
