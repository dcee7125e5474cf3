import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { retried } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import type { JobInput } from '../../protocol/job-inputs.ts'
import { EngineError } from '../engine/index.ts'
import { type InputVolumes, inputLabel } from '../engine/input-volumes.ts'
import type { LeaseRecord } from '../journal/records.ts'
import { containerName } from '../lease/container.ts'
import { DataError } from './data-error.ts'
import { fetchBlob } from './fetch-blob.ts'
import { fileTar, folderTar } from './input-tar.ts'
import { contentOf, type Shelf, shortDigest, volumeOf } from './shelf.ts'

/** What {@link createBringing} works with. */
export interface BringingComponents {
  network: Pick<PeerNetwork, 'open'>
  volumes: InputVolumes
  shelf: Shelf
  clock: Clock
  logger: Logger
}

/** One input that a lease wants. */
export interface Wanted {
  record: LeaseRecord
  input: JobInput
  image: string
  onBytes: (bytes: number) => void
}

/** Brings one blob to the shelf where it is not there yet; answers its volume and what that takes of the disk. */
export type Bring = (wanted: Wanted, signal: AbortSignal) => Promise<{ volume: string; bytes: number }>

/** @param init as of `createInputRoom` */
export function createBringing(
  { network, volumes, shelf, clock, logger }: BringingComponents,
  { folder, owner, stallMs }: { folder: string; owner: string; stallMs: number },
): Bring {
  async function bring(wanted: Wanted, signal: AbortSignal) {
    const { record, input, image, onBytes } = wanted
    const { requester } = record
    const volume = volumeOf(owner, requester, input.blob)
    const known = await shelf.find(requester, input.blob)
    if (known !== null) {
      onBytes(input.blob.bytes)
      if (await volumes.has(volume, contentOf(input.blob), { signal })) return known
      // Somebody removed it from the engine.
      onBytes(0)
      await shelf.forget(requester, input.blob)
    }
    const release = await shelf.reserve(requester, input.blob, input.path, signal)
    try {
      const part = join(folder, `${partName(requester, input)}.part`)
      await fetch(wanted, part, signal)
      const { tar, size } = input.blob.folder ? folderTar(part, input.path) : fileTar(part, input.blob.bytes)
      const labels = { [inputLabel]: contentOf(input.blob), 'cortex.requester': requester }
      const helper = `${containerName(record)}-fill`
      await volumes
        .fill({ name: volume, labels, owner, helper, image }, tar, { signal })
        .catch(async (error: unknown) => {
          if (error instanceof DataError) await rm(part, { force: true })
          throw noSpace(error, input)
        })
      await shelf.keep(requester, input.blob, size())
      await rm(part, { force: true })
      return { volume, bytes: size() }
    } finally {
      release()
    }
  }

  /** Tries again where the stream broke, as long as something comes at all. */
  async function fetch({ record, input, onBytes }: Wanted, part: string, signal: AbortSignal): Promise<void> {
    let lastMs = clock.monotonicMs()
    let most = -1
    const told = (bytes: number): void => {
      if (bytes > most) lastMs = clock.monotonicMs()
      most = Math.max(most, bytes)
      onBytes(bytes)
    }
    const worthAnother = (error: unknown): boolean => {
      if (error instanceof DataError || isFull(error)) return false
      logger.debug({ job: record.jobId, path: input.path, error: String(error) }, 'an input broke off')
      return clock.monotonicMs() - lastMs < stallMs
    }
    try {
      await retried(clock, signal, worthAnother, async () => {
        await fetchBlob({ network, clock }, { record, input, part, onBytes: told }, signal)
      })
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof DataError) throw error
      throw isFull(error) ? new DataError('no-space', input.path) : new DataError(null, input.path)
    }
  }

  return bring
}

function partName(requester: string, { blob }: JobInput): string {
  return shortDigest(`${requester} ${blob.sha256} ${blob.bytes}`)
}

function isFull(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function noSpace(error: unknown, { path }: JobInput): unknown {
  const isEngines = error instanceof EngineError && error.details.reason === 'no-space'
  return isEngines || isFull(error) ? new DataError('no-space', path) : error
}
