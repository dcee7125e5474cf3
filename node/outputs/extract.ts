import { mkdir } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar'
import type { LeftOut } from '../../protocol/left-out.ts'
import { siftTar } from './sift.ts'

/** What the folder's own file system cannot hold; the rest arrives. Anything else is a problem of the whole. */
const ODD_HERE = ['ENAMETOOLONG', 'EILSEQ', 'EINVAL', 'ENOENT', 'ENOTDIR', 'EEXIST', 'EISDIR', 'ELOOP', 'EPERM']

/** What {@link extractTar} wrote, and what it did not. */
export interface Extracted {
  /** What was written, folders included. */
  entries: number
  /** The files of it, and the bytes of their contents. */
  files: number
  bytes: number
  leftOut: LeftOut[]
}

/**
 * Writes the outputs `roots` of a stranger's tar into a folder, made where it is missing. Entries with absolute or climbing
 * paths, links that lead out, devices, and what lies beside the outputs are left out and named; owners and special mode
 * bits are not taken over. What is compressed is no tar: so no more is written than was read.
 *
 * @throws where it is no tar, ends before it should, or the folder cannot be written
 */
export async function extractTar(tar: Readable, folder: string, roots: readonly string[]): Promise<Extracted> {
  // It may break off before anybody reads it, and says so once it is read.
  tar.on('error', () => undefined)
  await mkdir(folder, { recursive: true })
  const sifted = siftTar(tar, { roots })
  const failed: LeftOut[] = []
  let problem: Error | null = null
  const unpack = extract({
    cwd: folder,
    brotli: false,
    zstd: false,
    preservePaths: false,
    preserveOwner: false,
    onwarn(code, message, data) {
      const cause = data as { code?: string; entry?: { path?: string } }
      const reason = data instanceof Error ? data.message : String(message)
      if (code === 'TAR_ENTRY_INFO') return
      if (code === 'TAR_ENTRY_ERROR' && isOddHere(cause.code)) {
        failed.push({ path: cause.entry?.path ?? '?', reason: `could not be written (${cause.code ?? reason})` })
      } else if (code !== 'TAR_BAD_ARCHIVE') problem ??= data instanceof Error ? data : new Error(reason)
    },
    onReadEntry(entry) {
      // The owner can always look at what was fetched, and remove it; what nobody may write to stays so.
      entry.mode = (entry.mode ?? 0o600) | (entry.type === 'Directory' ? 0o700 : 0o400)
    },
  })
  await pipeline(sifted.tar, unpack as unknown as NodeJS.WritableStream).catch((error: Error & { code?: string }) => {
    // The library takes an archive without entries for none.
    if (error.code !== 'TAR_BAD_ARCHIVE' || sifted.counts.entries > 0) throw error
  })
  if (problem !== null) throw problem
  const { entries, files, bytes } = sifted.counts
  return {
    entries: entries - failed.length,
    files: Math.max(0, files - failed.length),
    bytes,
    leftOut: [...sifted.leftOut(), ...failed],
  }
}

/** The library's own codes are for what it found unsafe in the folder: a link that was there before. */
function isOddHere(code: string | undefined): boolean {
  return code === undefined || !code.startsWith('E') || ODD_HERE.includes(code)
}
