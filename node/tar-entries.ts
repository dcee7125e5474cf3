import type { Readable } from 'node:stream'
import { type Extract, extract } from 'tar-stream'

/** The entries of a tar, for a loop that begins at once. What the tar breaks off with is what the loop ends with; whoever stops before its end destroys it. */
export function entriesOf(tar: Readable): Extract {
  const entries = extract()
  tar.on('error', (error) => entries.destroy(error))
  tar.pipe(entries as unknown as NodeJS.WritableStream)
  return entries
}
