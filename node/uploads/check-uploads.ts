import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hashFile } from '../hash-file.ts'
import type { Found, LookedAt, Mend } from '../upkeep/problem.ts'
import { noteSchema } from './upload-folder.ts'

/** What {@link checkUploads} works with. */
export interface UploadsCheckComponents {
  /** Of uploads. */
  folder: string
  found: Found
  looked(lookedAt: LookedAt): void
}

/**
 * Reads all uploads, each once, and compares their digests. What belongs to none of them is nobody's concern: the next start
 * removes it.
 */
export async function checkUploads({ folder, found, looked }: UploadsCheckComponents): Promise<void> {
  const names = await readdir(folder).catch((): string[] => []) // none was given yet
  const known = new Map<string, string | null>()
  let count = 0
  for (const name of names.filter((one) => one.endsWith('.json'))) {
    count += 1
    const path = join(folder, name)
    const note = await noteIn(path)
    if (note === null) {
      const mend: Mend = { how: 'set aside', act: async (aside) => await aside.file(path) }
      await found({ kind: 'whose note cannot be read', which: name, remedy: null, mend })
      continue
    }
    if (note.sha256 === null) continue
    const { sha256 } = note
    const blob = join(folder, `${sha256}.blob`)
    if (!known.has(sha256)) known.set(sha256, await blobProblem(blob, sha256, note.length))
    const kind = known.get(sha256) ?? null
    if (kind === null) continue
    await found({
      ...{ kind, which: `${note.id} ${note.name}`.trim(), remedy: null },
      mend: {
        how: 'set aside; its owner has to give it once more',
        async act(aside) {
          await aside.file(path)
          await aside.file(blob)
        },
      },
    })
  }
  looked({ what: 'uploads', count })
}

async function noteIn(path: string) {
  try {
    const read = noteSchema.safeParse(JSON.parse(await readFile(path, 'utf8')))
    return read.success ? read.data : null
  } catch {
    return null // no JSON: cut off, mostly
  }
}

async function blobProblem(path: string, sha256: string, length: number | null): Promise<string | null> {
  const found = await stat(path).catch(() => null) // not there
  if (found === null) return 'not on the disk'
  if (length !== null && found.size !== length) return 'of another size than their note says'
  const hash = createHash('sha256')
  await hashFile(path, hash)
  return hash.digest('hex') === sha256 ? null : 'with another digest than their name'
}
