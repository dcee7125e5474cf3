import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { type Extract, extract } from 'tar-stream'

/** The longest name that a system can hold, in UTF-16 units: the library hands over names of up to 4 MiB. */
export const LONGEST_NAME = 4_096
/** Names of one archive that are remembered, because later entries may lead to them, in UTF-16 units of all together. */
export const MOST_REMEMBERED = 64 * 2 ** 20

/** The entries of a tar, for a loop that begins at once. What the tar breaks off with is what the loop ends with; whoever stops before its end destroys it. */
export function entriesOf(tar: Readable): Extract {
  const entries = extract()
  tar.on('error', (error) => entries.destroy(error))
  tar.pipe(entries as unknown as NodeJS.WritableStream)
  return entries
}

/** Whether an entry stands behind one of the links, which are called as it is: normal, without a slash at either end. */
export function liesBehind(links: ReadonlySet<string>, name: string): boolean {
  if (links.size === 0) return false
  for (let at = posix.dirname(name); at !== '.' && at !== '/'; at = posix.dirname(at)) if (links.has(at)) return true
  return false
}

/** Whether this is what the library says of bytes that are no tar, break off, or have a header of more than it holds (4 MiB). */
export function isNoTar(error: unknown): boolean {
  return error instanceof Error && /^(Invalid (tar )?header|Unexpected end of data|Header exceeds)/.test(error.message)
}
