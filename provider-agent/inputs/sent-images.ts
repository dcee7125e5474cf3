/**
 * Gets the parts of images that requesters send, as far as they are not here, and keeps them for the next image of the same
 * requester. See docs/decisions/0083-sent-images.md.
 */

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { orAborted } from '../../node/abort.ts'
import { createKeyedQueue } from '../../node/store/keyed-queue.ts'
import type { BlobSource } from '../../protocol/job-inputs.ts'
import { bytesOfImage, partsOf, type SentImage } from '../../protocol/sent-image.ts'
import type { ImageParts } from '../engine/index.ts'
import type { LeaseRecord } from '../journal/records.ts'
import { type Arrivals, watchArrival } from './arrivals.ts'
import { fetchGiven, type GivenComponents } from './fetch-given.ts'
import type { OnTransfer } from './on-transfer.ts'
import type { PartFiles } from './part-files.ts'
import { heldMarkOf, partNameOf, shortDigest } from './place.ts'
import type { Shelf } from './shelf.ts'

/** Under which field of the job what is wrong with it is told. */
const FIELD = 'imageFrom'

/** What {@link createSentImages} works with. */
export interface SentImagesComponents extends GivenComponents {
  shelf: Shelf
  files: PartFiles
  /** Told how fast they come. */
  arrivals: Pick<Arrivals, 'came'>
}

/** Images of requesters, in parts. */
export interface SentImages {
  /** Gets all parts of a lease's image. Repeating it goes on. @throws {DataError} */
  parts(record: LeaseRecord, image: SentImage, onTransfer: OnTransfer, signal: AbortSignal): Promise<ImageParts>
}

/** @param init as of `createInputRoom` */
export function createSentImages(
  { shelf, files, arrivals, ...given }: SentImagesComponents,
  { folder, stallMs }: { folder: string; stallMs: number },
): SentImages {
  const queue = createKeyedQueue()

  async function isHere(requester: string, blob: BlobSource): Promise<boolean> {
    const name = partNameOf(requester, blob)
    if ((await shelf.find(name, heldMarkOf({ requester }, blob).mark)) === null) return false
    if (await files.has(name, blob.bytes)) return true
    await shelf.forget(name)
    return false
  }

  async function bring(record: LeaseRecord, blob: BlobSource, onBytes: (bytes: number) => void, signal: AbortSignal) {
    const { requester } = record
    const name = partNameOf(requester, blob)
    if (await isHere(requester, blob)) return // another lease of the same requester brought it meanwhile
    const room = shelf.reserve(FIELD)
    try {
      await room.upTo(blob.bytes, signal)
      const part = join(folder, `${shortDigest(name)}.part`)
      const watch = watchArrival({ arrivals, clock: given.clock }, 'requester', requester)
      const noted = (bytes: number): void => {
        watch.there(bytes)
        onBytes(bytes)
      }
      await fetchGiven(given, { record, input: { path: FIELD, blob }, part, onBytes: noted }, stallMs, signal)
      watch.done(blob.bytes)
      await files.take(name, part)
      await shelf.keep(name, blob.bytes, heldMarkOf(record, blob).mark)
    } finally {
      room.release()
    }
  }

  /**
   * Those that are not here, for which there is room together. What is here stays while the lease has it, so it is looked for
   * this once.
   */
  async function lackingOf(
    requester: string,
    blobs: readonly BlobSource[],
    signal: AbortSignal,
  ): Promise<Set<BlobSource>> {
    const lacking = new Set<BlobSource>()
    for (const blob of blobs) if (!(await isHere(requester, blob))) lacking.add(blob)
    const room = shelf.reserve(FIELD)
    try {
      await room.upTo(
        [...lacking].reduce((sum, { bytes }) => sum + bytes, 0),
        signal,
      )
    } finally {
      room.release()
    }
    return lacking
  }

  /** As it is read it is looked at once more: what the disk has spoilt is not taken for what was sent. */
  async function* reading(name: string, { sha256 }: BlobSource): AsyncGenerator<Buffer> {
    const hash = createHash('sha256')
    for await (const piece of createReadStream(files.pathOf(name), { highWaterMark: 256 * 1024 })) {
      hash.update(piece as Buffer)
      yield piece as Buffer
    }
    if (hash.digest('hex') === sha256) return
    await shelf.forget(name)
    throw new Error('A part of the image is spoilt on this disk')
  }

  return {
    async parts(record, image, onTransfer, signal) {
      const { requester } = record
      const blobs = partsOf(image)
      const total = bytesOfImage(image)
      const lacking = await lackingOf(requester, blobs, signal)
      let before = 0
      for (const blob of blobs) {
        const onBytes = (bytes: number): void => onTransfer(before + bytes, total)
        const task = async (): Promise<void> => {
          signal.throwIfAborted()
          await bring(record, blob, onBytes, signal)
        }
        if (lacking.has(blob)) await orAborted(queue.run(partNameOf(requester, blob), task), signal)
        before += blob.bytes
        onBytes(0)
      }
      const config = await readFile(files.pathOf(partNameOf(requester, image.config)))
      return {
        config,
        layers: image.layers.map((blob) => ({
          size: blob.bytes,
          open: () => reading(partNameOf(requester, blob), blob),
        })),
      }
    },
  }
}
