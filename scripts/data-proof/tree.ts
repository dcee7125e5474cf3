import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, link, lstat, mkdir, open, readdir, readlink, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'

/** Files in one folder. */
const PER_FOLDER = 250
const PIECE_BYTES = 2 ** 20

/**
 * Makes a folder of files whose bytes and modes follow from their number, with links between them.
 * @param bytes of all of them together
 */
export async function makeTree(root: string, files: number, bytes: number): Promise<void> {
  await mkdir(root, { recursive: true })
  const each = Math.floor(bytes / files)
  for (let i = 0; i < files; i += 1) {
    const folder = join(root, `folder-${Math.floor(i / PER_FOLDER)}`)
    if (i % PER_FOLDER === 0) await mkdir(folder, { mode: 0o755 })
    const path = join(folder, `file-${i}`)
    // From none to twice as large as the middle one, where there are many.
    await writeFileOf(path, i, files < 10 ? each : Math.floor((each * 2 * (i % 101)) / 100))
    await chmod(path, [0o644, 0o600, 0o755, 0o444, 0o640][i % 5] ?? 0o644)
    await utimes(path, 1_700_000_000 + i, 1_700_000_000 + i)
    if (i % 50 === 7) await symlink(`file-${i}`, join(folder, `link-${i}`))
    if (i % 50 === 11) await symlink('nowhere', join(folder, `broken-${i}`))
    if (i % 100 === 13) await link(path, join(folder, `same-${i}`))
  }
}

async function writeFileOf(path: string, seed: number, bytes: number): Promise<void> {
  await using file = await open(path, 'w')
  const piece = Buffer.alloc(Math.min(PIECE_BYTES, bytes))
  for (let at = 0; at < bytes; at += PIECE_BYTES) {
    const block = createHash('sha512').update(`${seed} ${at}`).digest()
    const part = piece.subarray(0, Math.min(PIECE_BYTES, bytes - at))
    for (let to = 0; to < part.length; to += block.length) block.copy(part, to)
    await file.write(part)
  }
}

/** One line for each entry: name, kind, mode, and what it holds or where it leads. Sorted. */
export async function linesOf(root: string, under = ''): Promise<string[]> {
  const lines: string[] = []
  for (const name of (await readdir(join(root, under))).toSorted()) {
    const at = join(under, name)
    const found = await lstat(join(root, at))
    const mode = (found.mode & 0o777).toString(8)
    if (found.isSymbolicLink()) lines.push(`${at} link ${await readlink(join(root, at))}`)
    else if (found.isDirectory()) lines.push(`${at} folder ${mode}`, ...(await linesOf(root, at)))
    else lines.push(`${at} file ${mode} ${found.size} ${await sha256Of(join(root, at))}`)
  }
  return lines
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
