import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newKeyText } from './key-ring.ts'

/** An admin key that people chose themselves is at least this long, in characters. */
const MIN_LENGTH = 16

/** A given admin key that is too easy to guess. */
class AdminKeyError extends Error {
  override readonly name = 'AdminKeyError'
  readonly code = 'ADMIN_KEY_TOO_SHORT'
}

/** The key of whoever runs the gateway. */
export interface AdminKey {
  text: string
  /** Whether this start made it. */
  created: boolean
  /** When its file was written; absent where there is none. */
  madeAtMs?: number
}

/**
 * The admin key: the one given, or that of `DATA/gateway/admin.key` (mode 0600), made at the first start.
 * @param folder the gateway's, `DATA/gateway`
 * @param given from `CORTEX_ADMIN_KEY`; it is not written to disk
 * @throws {AdminKeyError}
 */
export async function loadAdminKey(folder: string, given?: string): Promise<AdminKey> {
  if (given !== undefined) {
    if (given.length < MIN_LENGTH) {
      throw new AdminKeyError(`The admin key has ${given.length} characters: choose one of at least ${MIN_LENGTH}`)
    }
    return { text: given, created: false }
  }
  const path = join(folder, 'admin.key')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const text = newKeyText()
  try {
    await writeFile(path, `${text}\n`, { mode: 0o600, flag: 'wx' })
    return { text, created: true, madeAtMs: (await stat(path)).mtimeMs }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return { text: (await readFile(path, 'utf8')).trim(), created: false, madeAtMs: (await stat(path)).mtimeMs }
}
