import { randomUUID } from 'node:crypto'
import { chmod, link, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'

/** Why a file that only its owner may read is not used: its mode, e.g. `0644`, or its size. */
export type PrivateFileProblem = { problem: 'too_open'; mode: string } | { problem: 'too_large' }

/** The text of a file that nobody but its owner can read; undefined where there is none. */
export async function readPrivateFile(
  path: string,
  maxBytes: number,
): Promise<{ text: string } | PrivateFileProblem | undefined> {
  try {
    const { mode, size } = await stat(path)
    // Windows keeps no such bits; there the user's profile folder is what protects the file
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      return { problem: 'too_open', mode: (mode & 0o777).toString(8).padStart(4, '0') }
    }
    if (size > maxBytes) return { problem: 'too_large' }
    return { text: await readFile(path, 'utf8') }
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/**
 * Writes a new file of mode 0600 beside its place and links it there: either all of it is there or none, and nothing is
 * overwritten. False where there is one already.
 */
export async function createPrivateFile(path: string, text: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await chmod(draft, 0o600)
    await link(draft, path)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

/** Writes a file of mode 0600 beside its place and puts it there: whoever reads it, or a crash, finds it whole or as it was. */
export async function replacePrivateFile(path: string, content: string | Uint8Array): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`
  try {
    await writeFile(draft, content, { mode: 0o600, flush: true })
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/** The text of such a file, written by `make` where there is none: two who make it at once get the same. */
export async function keptPrivateFile(
  path: string,
  maxBytes: number,
  make: () => Promise<string> | string,
): Promise<{ text: string } | PrivateFileProblem> {
  const kept = await readPrivateFile(path, maxBytes)
  if (kept !== undefined) return kept
  await createPrivateFile(path, await make())
  const made = await readPrivateFile(path, maxBytes)
  if (made === undefined) throw new Error(`${path} was removed when it was hardly there`)
  return made
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
