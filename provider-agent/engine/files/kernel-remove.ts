import { type FileHandle, lstat, opendir, rmdir, unlink } from 'node:fs/promises'
import { FileError } from '../file-access.ts'
import { type Inside, missing, openFolder, walk, within } from './inside.ts'

/** Names need not be UTF-8; the library's types know of text alone. */
const AS_BYTES = { encoding: 'buffer' as BufferEncoding }

/** How deep folders may stand in each other: each one that is emptied is held. */
const MAX_DEPTH = 256

/** Removes a path by the kernel: also where the image has no program for that. */
export async function removeInside(
  inside: Inside,
  path: string,
  { recursive }: { recursive: boolean },
  signal?: AbortSignal,
): Promise<void> {
  await using place = await walk(inside, path, { followLast: false })
  if (place.name === null) throw new FileError('BAD_PATH', 'The root of the container stays')
  try {
    await removeEntry(place.folder, Buffer.from(place.name), recursive ? MAX_DEPTH : 0, signal)
  } catch (cause) {
    throw problemOf(cause)
  }
}

/** @param depth of folders that are emptied; 0 for one that is empty already */
async function removeEntry(folder: FileHandle, name: Buffer, depth: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  const place = within(folder, name)
  if (!(await lstat(place)).isDirectory()) return await unlink(place)
  if (depth > 0) {
    const inner = await openFolder(folder, name)
    try {
      // Asked for anew until nothing is left: names that are removed while they are listed may hide others.
      for (let removed = -1; removed !== 0; ) {
        removed = 0
        for await (const entry of await opendir(within(inner, ''), AS_BYTES)) {
          await removeEntry(inner, entry.name as unknown as Buffer, depth - 1, signal)
          removed += 1
        }
      }
    } finally {
      await inner.close()
    }
  }
  await rmdir(place)
}

function problemOf(cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException
  const known = code === undefined ? undefined : PROBLEMS[code]
  return known === undefined ? missing(cause) : new FileError('BAD_PATH', known, { cause })
}

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOTEMPTY: 'The folder is not empty, or is being written to: remove it with what is in it (recursive)',
  EBUSY: 'Something is mounted at the path',
  EROFS: 'The path is read-only',
}
