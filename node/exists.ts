import { access } from 'node:fs/promises'

/** Whether something is there; false as well where it may not be seen. */
export async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
