import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import type { Outside } from '../../node/network/outside.ts'
import { isDiskFull } from '../../node/system-problem.ts'
import { type BlobInput, isFolder, type JobInput } from '../../protocol/job-inputs.ts'
import { EngineError } from '../engine/index.ts'
import { type InputVolumes, inputLabel } from '../engine/input-volumes.ts'
import type { LeaseRecord } from '../journal/records.ts'
import { containerName } from '../lease/container.ts'
import { type Arrivals, watchArrival } from './arrivals.ts'
import { DataError, dataErrorOf } from './data-error.ts'
import { fetchGit } from './fetch-git.ts'
import { fetchGiven } from './fetch-given.ts'
import { fetchS3 } from './fetch-s3.ts'
import { fetchUrl } from './fetch-url.ts'
import { fileTar, folderTar } from './input-tar.ts'
import type { UrlPatience } from './patience.ts'
import { type InputPlace, shortDigest } from './place.ts'
import type { Reserved, Shelf } from './shelf.ts'

/** What {@link createBringing} works with. */
export interface BringingComponents {
  network: Pick<PeerNetwork, 'open'>
  volumes: InputVolumes
  shelf: Shelf
  /** The way to what jobs name elsewhere. */
  outside: Outside
  /** Told how fast it comes. */
  arrivals: Pick<Arrivals, 'came'>
  clock: Clock
  logger: Logger
}

/** How and where it is brought. */
export interface BringingInit {
  /** Where what comes is kept until all of it is there. */
  folder: string
  /** Peer id of the agent. */
  owner: string
  /** How long no byte of a requester may come before a job is given up, in ms. */
  stallMs: number
  urlPatience?: UrlPatience
}

/** One input that a lease wants. */
export interface Wanted {
  record: LeaseRecord
  /** The job's secrets that its inputs name. */
  secrets: Readonly<Record<string, string>>
  input: JobInput
  place: InputPlace
  image: string
  /** More is not taken from elsewhere. */
  maxBytes: number
  /** Told how many bytes are there, and of how many where that is known. */
  onBytes: (bytes: number, total: number | null) => void
}

/** What was brought. */
export interface Brought {
  /** What it takes of the disk. */
  bytes: number
}

/** Brings one input to its place where it is not there yet; answers what that takes of the disk. */
export type Bring = (wanted: Wanted, signal: AbortSignal) => Promise<Brought>

/** Brings what a lease wants, from its requester or from elsewhere. */
export function createBringing(
  { network, volumes, shelf, outside, arrivals, clock, logger }: BringingComponents,
  { folder, owner, stallMs, urlPatience = {} }: BringingInit,
): Bring {
  async function bring(wanted: Wanted, signal: AbortSignal): Promise<Brought> {
    const { input, place, onBytes } = wanted
    const { volume, content, isOwn } = place
    const known = isOwn ? null : await shelf.find(volume, place.mark)
    if (known !== null) {
      const bytes = input.blob?.bytes ?? known.bytes
      onBytes(bytes, bytes)
      if (await volumes.has(volume, content, { signal })) return known
      // Somebody removed it from the engine.
      onBytes(0, bytes)
      await shelf.forget(volume)
    }
    const room = shelf.reserve(input.path)
    try {
      const part = join(folder, `${shortDigest(partOf(wanted))}.part`)
      const watch = watchArrival({ arrivals, clock }, 'requester', wanted.record.requester)
      const noted = (there: number, total: number | null): void => {
        watch.there(there)
        onBytes(there, total)
      }
      const came = await fetch({ ...wanted, onBytes: noted }, part, room, signal)
      const bytes = await fill(wanted, part, came, signal)
      if (input.blob !== undefined) watch.done(came)
      if (!isOwn) await shelf.keep(volume, bytes, place.mark)
      await rm(part, { force: true })
      return { bytes }
    } finally {
      room.release()
    }
  }

  /** Makes its volume of what came; answers what that takes of the disk. */
  async function fill({ record, input, place, image }: Wanted, part: string, came: number, signal: AbortSignal) {
    const { tar, size } = isFolder(input) ? folderTar(part, input.path) : fileTar(part, came)
    const { requester, jobId } = record
    const labels = {
      ...{ [inputLabel]: place.content, 'cortex.requester': requester },
      ...(place.isOwn && { 'cortex.job': jobId }),
    }
    const helper = `${containerName(record)}-fill`
    await volumes
      .fill({ name: place.volume, labels, owner, helper, image }, tar, { signal })
      .catch(async (error: unknown) => {
        if (error instanceof DataError) await rm(part, { force: true })
        throw noSpace(error, input)
      })
    return size()
  }

  /** Answers the bytes that are in the part then. */
  async function fetch(wanted: Wanted, part: string, room: Reserved, signal: AbortSignal): Promise<number> {
    const { input, secrets, maxBytes, onBytes } = wanted
    const { path, blob, url, s3, git } = input
    const makeRoom = async (bytes: number): Promise<void> => await room.upTo(bytes, signal)
    const file = { path, part, maxBytes, onBytes, makeRoom }
    const there = { outside, clock, logger }
    try {
      if (blob !== undefined) return await given({ ...wanted, input }, part, room, signal)
      if (git !== undefined) return await fetchGit(there, { ...file, source: git, secrets }, urlPatience, signal)
      if (s3 !== undefined) return await fetchS3(there, { ...file, source: s3, secrets }, urlPatience, signal)
      return await fetchUrl(there, { ...file, source: url }, urlPatience, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw dataErrorOf(error, path)
    }
  }

  async function given(
    { record, input, onBytes }: Wanted & { input: BlobInput },
    part: string,
    room: Reserved,
    signal: AbortSignal,
  ): Promise<number> {
    const { bytes: total } = input.blob
    await room.upTo(total, signal)
    const told = (bytes: number): void => onBytes(bytes, total)
    await fetchGiven({ network, clock, logger }, { record, input, part, onBytes: told }, stallMs, signal)
    return total
  }

  return bring
}

/** What came of a bucket is noted, so that a later attempt of the job goes on from it; anything else is its volume's. */
function partOf({ record: { requester, jobId }, input, place }: Wanted): string {
  return input.s3 === undefined ? place.volume : `s3 ${requester} ${jobId} ${input.path}`
}

function noSpace(error: unknown, { path }: JobInput): unknown {
  const isEngines = error instanceof EngineError && error.details.reason === 'no-space'
  return isEngines || isDiskFull(error) ? new DataError('no-space', path) : error
}
