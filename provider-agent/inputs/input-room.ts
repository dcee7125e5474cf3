/** Gets what jobs bring, and puts it where their containers find it. See docs/decisions/0079-inputs.md. */

import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { orAborted } from '../../node/abort.ts'
import { createKeyedQueue } from '../../node/store/keyed-queue.ts'
import { isFolder, type JobInput } from '../../protocol/job-inputs.ts'
import type { InputMount } from '../engine/index.ts'
import { inputLabel } from '../engine/input-volumes.ts'
import type { LeaseRecord, LeaseSecrets } from '../journal/records.ts'
import { containerName, ownStorageBytes } from '../lease/container.ts'
import { type BringingComponents, type BringingInit, createBringing } from './bringing.ts'
import { DataError } from './data-error.ts'
import { GIT_FOLDER } from './fetch-git.ts'
import { FILE_NAME } from './input-tar.ts'
import type { OnTransfer } from './on-transfer.ts'
import type { PartFiles } from './part-files.ts'
import { heldMark, type InputPlace, ownVolume, partNamesOf, placesOf, shortDigest } from './place.ts'
import { createSentImages, type SentImages } from './sent-images.ts'
import { keptInput } from './standard-input.ts'

/** A part that nothing was added to for so long is of a job that nobody has any more, in ms. */
const PART_MS = 24 * 3_600_000

/** What jobs bring, from their requesters into containers. */
export interface InputRoom {
  /** Takes up what an earlier process left. The engine must be there. */
  start(signal: AbortSignal): Promise<void>
  /** Whether what a requester asks for so is here; see `wanted-blobs.ts`. */
  has(requester: string, mark: string): boolean
  /** The parts of an image that a job brings, which come before anything else. @throws {DataError} */
  imageParts: SentImages['parts']
  /**
   * Gets all that a job brings; answers what its container is to have mounted. Repeating it goes on.
   * @param lease its record, and the secrets that what it brings is fetched by
   * @param image that the engine has: containers that never run are made of it
   * @throws {DataError} @throws {EngineError}
   */
  prepare(
    lease: { record: LeaseRecord; secrets: Pick<LeaseSecrets, 'keys'> | null },
    image: string,
    onTransfer: OnTransfer,
    signal: AbortSignal,
  ): Promise<InputMount[]>
  /** Puts files that the job may write into its container, which was created and has not run. Repeating it is no error. */
  put(record: LeaseRecord, signal: AbortSignal): Promise<void>
  /** Opens the standard input of its container, which was created and has not run; answers what gives it, see {@link keptInput}. */
  openStdin(record: LeaseRecord, signal: AbortSignal): Promise<((signal: AbortSignal) => Promise<boolean>) | null>
}

/** What of the shelf a lease has while it has not ended: what is in it is not to go. @param owner peer id of the agent */
export function keptFor(owner: string, record: LeaseRecord): string[] {
  return [...placesOf(owner, record).map(({ volume }) => volume), ...partNamesOf(record)]
}

/** Brings nothing before it is started. */
export function createInputRoom(components: BringingComponents & { files: PartFiles }, init: BringingInit): InputRoom {
  const { volumes, shelf, clock } = components
  const { folder, owner } = init
  const queue = createKeyedQueue()

  const bring = createBringing(components, init)
  const images = createSentImages(components, init)

  /** With the place of each. */
  function inputsOf(record: LeaseRecord): { input: JobInput; place: InputPlace }[] {
    const places = placesOf(owner, record)
    return (record.job.inputs ?? []).map((input, index) => ({ input, place: places[index] as InputPlace }))
  }

  async function mountOf(
    record: LeaseRecord,
    { input, place }: { input: JobInput; place: InputPlace },
    index: number,
    image: string,
    signal: AbortSignal,
  ) {
    const { path, writable, stdin } = input
    const { volume, content } = place
    if (stdin === true) return []
    if (!isFolder(input)) {
      // A file to be written to is put into the container itself.
      if (writable) return []
      return [
        { type: 'bind' as const, source: await volumes.pathOf(volume, FILE_NAME, { signal }), path, readOnly: true },
      ]
    }
    // What is the lease's own needs no copy.
    if (!writable || place.isOwn) return [{ type: 'volume' as const, source: volume, path, readOnly: !writable }]
    const own = ownVolume(record, index)
    const { jobId, requester } = record
    const labels = { [inputLabel]: content, 'cortex.job': jobId, 'cortex.requester': requester }
    await volumes.copy(volume, { name: own, labels, owner, helper: `${containerName(record)}-copy`, image }, { signal })
    return [{ type: 'volume' as const, source: own, path, readOnly: false }]
  }

  return {
    async start(signal) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const file of await readdir(folder)) {
        const path = join(folder, file)
        // Of an earlier process: one that fetches it anew makes it anew.
        if (file.endsWith(GIT_FOLDER)) await rm(path, { recursive: true })
        if (file.endsWith('.part') && clock.nowMs() - (await stat(path)).mtimeMs > PART_MS) await rm(path)
      }
      await shelf.start(signal)
    },

    has: (requester, mark) => shelf.has(heldMark(requester, mark)),

    imageParts: images.parts,

    async prepare({ record, secrets }, image, onTransfer, signal) {
      const inputs = inputsOf(record)
      const tally = createTally(record, onTransfer)
      const mounts: InputMount[] = []
      let left = ownStorageBytes(record)
      for (const [index, { input, place }] of inputs.entries()) {
        const wanted = {
          record,
          secrets: secrets?.keys ?? {},
          input,
          place,
          image,
          maxBytes: left,
          onBytes: tally(index),
        }
        const brought = await orAborted(
          queue.run(place.volume, async () => {
            signal.throwIfAborted()
            return await bring(wanted, signal)
          }),
          signal,
        )
        if (input.blob === undefined || input.writable) left -= brought.bytes
        if (left < 0) throw new DataError('larger-than-storage', input.path)
        mounts.push(...(await mountOf(record, { input, place }, index, image, signal)))
      }
      return mounts
    },

    async put(record, signal) {
      for (const { input, place } of inputsOf(record)) {
        if (isFolder(input) || !input.writable || input.stdin === true) continue
        const name = place.volume
        const helper = `${containerName(record)}-put`
        const to = { container: containerName(record), path: input.path }
        await volumes.put({ name, owner, helper }, FILE_NAME, to, { signal })
      }
    },

    async openStdin(record, signal) {
      const given = inputsOf(record).find(({ input }) => input.stdin === true)
      if (given === undefined) return null
      const container = containerName(record)
      const volume = { name: given.place.volume, owner, helper: `${container}-stdin` }
      return await keptInput(
        join(folder, `${shortDigest(container)}.part`),
        async (path) => {
          const sink = createWriteStream(path, { mode: 0o600 })
          await volumes.read(volume, FILE_NAME, { container, sink }, { signal })
        },
        async () => await volumes.stdin(container, { signal }),
      )
    },
  }
}

/** Adds up what of a lease's inputs is there, and how much there is as far as anybody says. */
function createTally({ job }: LeaseRecord, onTransfer: OnTransfer) {
  const parts = (job.inputs ?? []).map(({ blob }) => ({ there: 0, total: blob?.bytes ?? 0 }))
  return (index: number) =>
    (there: number, total: number | null): void => {
      parts[index] = { there, total: Math.max(there, total ?? 0) }
      const sum = (what: 'there' | 'total'): number => parts.reduce((all, part) => all + part[what], 0)
      onTransfer(sum('there'), sum('total'))
    }
}
