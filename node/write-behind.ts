import type { FileHandle } from 'node:fs/promises'

/** Written at a time, in bytes; twice as much is in memory. */
const BATCH_BYTES = 256 * 1024

/** Adds pieces to a file while the next ones come. */
export interface WriteBehind {
  /** Waits only where the disk is behind. @throws what an earlier piece could not be written for */
  add(piece: Uint8Array): Promise<void>
  /** Writes what is still held. */
  flush(): Promise<void>
}

/** @param file opened for appending; nobody else writes to it */
export function writeBehind(file: Pick<FileHandle, 'appendFile'>): WriteBehind {
  let held: Uint8Array[] = []
  let heldBytes = 0
  let writing: Promise<void> = Promise.resolve()

  async function next(): Promise<void> {
    await writing
    const batch = held
    held = []
    heldBytes = 0
    if (batch.length === 0) return
    writing = file.appendFile(batch.length === 1 ? (batch[0] as Uint8Array) : Buffer.concat(batch))
    writing.catch(() => undefined) // whoever adds or flushes next hears of it
  }

  return {
    async add(piece) {
      held.push(piece)
      heldBytes += piece.length
      if (heldBytes >= BATCH_BYTES) await next()
    },
    async flush() {
      await next()
      await writing
    },
  }
}
