import { statfs } from 'node:fs/promises'

/** What is kept for later, such as outputs and what jobs brought, may each take this share of the disk where nobody says more. */
const KEPT_SHARE = 0.1

/** Bytes free for ordinary users of the disk that `path` is on. */
export async function freeBytesAt(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}

/** A room in bytes: what was said of it, or a tenth of the disk that `path` is on. */
export async function roomAt(path: string, givenBytes: number | undefined): Promise<number> {
  if (givenBytes !== undefined) return givenBytes
  const { blocks, bsize } = await statfs(path)
  return Math.floor(blocks * bsize * KEPT_SHARE)
}
