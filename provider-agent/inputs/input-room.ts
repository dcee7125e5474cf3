/** Gets what jobs bring, and puts it where their containers find it. See docs/decisions/0079-inputs.md. */

import { createWriteStream } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { orAborted } from '../../node/abort.ts'
import { createKeyedQueue } from '../../node/store/keyed-queue.ts'
import { type JobInput, stdinOf } from '../../protocol/job-inputs.ts'
import type { InputMount } from '../engine/index.ts'
import { INPUT_PREFIX, inputLabel } from '../engine/input-volumes.ts'
import type { LeaseRecord } from '../journal/records.ts'
import { containerName, ownStorageBytes } from '../lease/container.ts'
import { type BringingComponents, createBringing } from './bringing.ts'
import { DataError } from './data-error.ts'
import { FILE_NAME } from './input-tar.ts'
import { contentOf, shortDigest, volumeOf } from './shelf.ts'
import { keptInput } from './standard-input.ts'

/** A part that nothing was added to for so long is of a job that nobody has any more, in ms. */
const PART_MS = 24 * 3_600_000

/** Told how many bytes of all that a job brings are there. */
export type OnTransfer = (done: number, total: number) => void

/** What jobs bring, from their requesters into containers. */
export interface InputRoom {
  /** Takes up what an earlier process left. The engine must be there. */
  start(signal: AbortSignal): Promise<void>
  /**
   * Gets all that a job brings; answers what its container is to have mounted. Repeating it goes on.
   * @param image that the engine has: containers that never run are made of it
   * @throws {DataError} @throws {EngineError}
   */
  prepare(record: LeaseRecord, image: string, onTransfer: OnTransfer, signal: AbortSignal): Promise<InputMount[]>
  /** Puts files that the job may write into its container, which was created and has not run. Repeating it is no error. */
  put(record: LeaseRecord, signal: AbortSignal): Promise<void>
  /** Opens the standard input of its container, which was created and has not run; answers what gives it, see {@link keptInput}. */
  openStdin(record: LeaseRecord, signal: AbortSignal): Promise<((signal: AbortSignal) => Promise<boolean>) | null>
}

/** The volumes that a lease has mounted while it has not ended: what is in them is not to go. @param owner peer id of the agent */
export function volumesUsed(owner: string, { requester, job }: LeaseRecord): string[] {
  return (job.inputs ?? []).map(({ blob }) => volumeOf(owner, requester, blob))
}

/**
 * @param init.folder where what comes is kept until all of it is there
 * @param init.owner peer id of the agent
 * @param init.stallMs how long no byte may come before a job is given up, in ms
 */
export function createInputRoom(
  components: BringingComponents,
  { folder, owner, stallMs }: { folder: string; owner: string; stallMs: number },
): InputRoom {
  const { volumes, shelf, clock } = components
  const queue = createKeyedQueue()

  const bring = createBringing(components, { folder, owner, stallMs })

  async function mountOf(record: LeaseRecord, input: JobInput, index: number, image: string, signal: AbortSignal) {
    const { requester } = record
    const volume = volumeOf(owner, requester, input.blob)
    const { path, writable, stdin } = input
    if (stdin === true) return []
    if (!input.blob.folder) {
      // A file to be written to is put into the container itself.
      if (writable) return []
      return [
        { type: 'bind' as const, source: await volumes.pathOf(volume, FILE_NAME, { signal }), path, readOnly: true },
      ]
    }
    if (!writable) return [{ type: 'volume' as const, source: volume, path, readOnly: true }]
    const own = ownVolume(record, index)
    const labels = { [inputLabel]: contentOf(input.blob), 'cortex.job': record.jobId, 'cortex.requester': requester }
    await volumes.copy(volume, { name: own, labels, owner, helper: `${containerName(record)}-copy`, image }, { signal })
    return [{ type: 'volume' as const, source: own, path, readOnly: false }]
  }

  return {
    async start(signal) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const file of await readdir(folder)) {
        const path = join(folder, file)
        if (file.endsWith('.part') && clock.nowMs() - (await stat(path)).mtimeMs > PART_MS) await rm(path)
      }
      await shelf.start(signal)
    },

    async prepare(record, image, onTransfer, signal) {
      const inputs = record.job.inputs ?? []
      const total = inputs.reduce((sum, { blob }) => sum + blob.bytes, 0)
      const mounts: InputMount[] = []
      let before = 0
      let ownBytes = 0
      for (const [index, input] of inputs.entries()) {
        const onBytes = (bytes: number): void => onTransfer(before + bytes, total)
        const key = volumeOf(owner, record.requester, input.blob)
        const wanted = { record, input, image, onBytes }
        const brought = await orAborted(
          queue.run(key, async () => {
            signal.throwIfAborted()
            return await bring(wanted, signal)
          }),
          signal,
        )
        before += input.blob.bytes
        if (input.writable) ownBytes += brought.bytes
        if (ownBytes > ownStorageBytes(record)) throw new DataError('larger-than-storage', input.path)
        mounts.push(...(await mountOf(record, input, index, image, signal)))
      }
      return mounts
    },

    async put(record, signal) {
      for (const input of record.job.inputs ?? []) {
        if (input.blob.folder || !input.writable || input.stdin === true) continue
        const name = volumeOf(owner, record.requester, input.blob)
        const helper = `${containerName(record)}-put`
        const to = { container: containerName(record), path: input.path }
        await volumes.put({ name, owner, helper }, FILE_NAME, to, { signal })
      }
    },

    async openStdin(record, signal) {
      const input = stdinOf(record.job)
      if (input === undefined) return null
      const container = containerName(record)
      const volume = { name: volumeOf(owner, record.requester, input.blob), owner, helper: `${container}-stdin` }
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

/** The copy that a job may write. */
function ownVolume({ requester, jobId, fence }: LeaseRecord, index: number): string {
  return `${INPUT_PREFIX}own-${shortDigest(`${requester} ${jobId} ${fence} ${index}`)}`
}
