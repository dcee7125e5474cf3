import type { Hash } from 'node:crypto'
import { open } from 'node:fs/promises'

/** Read at a time, in bytes. */
const PIECE_BYTES = 256 * 1024

/**
 * Adds all that a file holds to a hash. Every piece is read into the same memory: streams of files have memory of its own for each,
 * which at the speed of a disk is many times as much before any of it is free again.
 */
export async function hashFile(path: string, hash: Pick<Hash, 'update'>): Promise<void> {
  await using file = await open(path)
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  for (;;) {
    const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, null)
    if (bytesRead === 0) return
    hash.update(piece.subarray(0, bytesRead))
  }
}
