import { posix } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { deadline } from '../../../node/deadline.ts'
import type { Channel } from '../../../node/network/index.ts'
import { siftTar } from '../../../node/outputs/sift.ts'
import { guardStall, type StallGuard } from '../../../node/stall.ts'
import { isNoTar } from '../../../node/tar-entries.ts'
import { tarMode, tarOf } from '../../../node/tar-of.ts'
import type { ReachHello_Write as WriteRequest } from '../../../protocol/gen/cortex/v1/reach_pb.js'
import { FileError, type HeldPlace } from '../../engine/file-access.ts'
import { WELCOME } from '../refusal.ts'
import { answerOf, type FilesComponents, type FilesPlace } from './answers.ts'

/** How long the engine may take to write all of it, in ms: meanwhile it does nothing else with the container. */
const ENGINE_MS = 240_000

/** How much larger than its contents a tar may be: each entry takes at least two blocks. */
const MAX_FRAMES = 4

/** Folders that are made on the way: the engine is asked for each. */
const MAX_MISSING = 64

/** The engine would put it under what the container has there. */
const IN_MEMORY = /^\/(proc|sys|dev)\//

const FOLDER_MODE = 0o755
const FILE_MODE = 0o644

/** Where something is to be put: in a folder that is there, below folders that are missing. */
interface Target {
  folder: string
  /** From the folder down, e.g. `["new", "newer"]`. */
  missing: string[]
}

/** Takes a file in, or a tar, and puts it into the container. @throws {ReachRefusedError} @throws {FileError} */
export async function writeFiles(
  components: FilesComponents,
  place: FilesPlace,
  path: string,
  asked: WriteRequest,
): Promise<void> {
  await using held = asked.tar ? null : ((await place.more?.openPlace(place.name, path, place)) ?? null)
  if (held === null) await writeByEngine(components, place, path, asked)
  else await writeHeld(components, place, held, asked)
}

/** Puts a file without asking the engine for it: an archive costs it more than most files do. */
async function writeHeld(
  { transfers, clock }: FilesComponents,
  { channel, signal, maxBytes, ownerIn }: FilesPlace,
  held: HeldPlace,
  { mode, mtimeMs }: WriteRequest,
): Promise<void> {
  const owner = await ownerIn('/')
  const guard = guardStall(clock, signal)
  try {
    await channel.send(WELCOME)
    await using kept = await transfers.keep(received(channel, guard), maxBytes)
    const how = { owner, mode: mode ?? held.mode ?? FILE_MODE }
    await held.put(kept.read(), { ...how, ...(mtimeMs === undefined ? {} : { mtimeMs: Number(mtimeMs) }) })
    await channel.send(answerOf({ files: 1, bytes: BigInt(kept.bytes) }))
  } finally {
    guard.clear()
  }
}

async function writeByEngine(
  { transfers, clock }: FilesComponents,
  { channel, access, name, signal, maxBytes, ownerIn, admit }: FilesPlace,
  path: string,
  { tar, mode, mtimeMs }: WriteRequest,
): Promise<void> {
  const found = await access.stat(name, path, { signal })
  const isFolder = found?.type === 'folder'
  if (tar && found !== null && !isFolder) throw new FileError('BAD_PATH', 'The path is no folder')
  if (!tar && isFolder) throw new FileError('BAD_PATH', 'The path is a folder: name the file in it')
  if (!tar && found !== null && found.type !== 'file') throw new FileError('BAD_PATH', 'The path is no file')
  const place = found?.path ?? path
  const { folder: there, missing } = await targetOf(access, name, tar ? place : posix.dirname(place), signal)
  const folder = posix.join(there, ...missing)
  if (IN_MEMORY.test(`${folder}/`)) throw new FileError('BAD_PATH', 'What is memory (/proc, /sys, /dev) takes no files')
  const owner = await ownerIn(there)
  const now = (): Date => new Date(clock.nowMs())
  const guard = guardStall(clock, signal)
  const unpackAt = async (at: string, ready: Readable): Promise<void> => {
    const limit = deadline(clock, ENGINE_MS, signal)
    await access.unpack(name, at, ready, { signal: limit.signal }).finally(limit.clear)
  }
  const makeFolders = async (): Promise<void> => {
    if (missing.length === 0) return
    const made = missing.map((_, depth) => missing.slice(0, depth + 1).join('/'))
    const folders = tarOf(async (out) => {
      for (const one of made) out.entry({ name: one, type: 'directory', mode: FOLDER_MODE, mtime: now(), ...owner })
    })
    await unpackAt(there, folders)
  }
  const put = async (ready: Readable): Promise<void> => await unpackAt(folder, ready)
  try {
    await channel.send(WELCOME)
    const pieces = received(channel, guard)
    if (tar) {
      const init = { roots: null, maxBytes, owner, mayLinkOut: true }
      const sifted = siftTar(Readable.from(pieces, { objectMode: false }), init)
      await using kept = await transfers.keep(asTar(sifted.tar), MAX_FRAMES * maxBytes + 2 ** 20)
      const { entries, files, bytes } = sifted.counts
      await admit({ bytes, entries: entries + missing.length }, async () => {
        await makeFolders()
        await put(kept.read())
      })
      await channel.send(answerOf({ files, bytes: BigInt(bytes), leftOut: sifted.leftOut() }))
    } else {
      await using kept = await transfers.keep(pieces, maxBytes)
      const written = mtimeMs === undefined ? now() : new Date(Number(mtimeMs))
      const file = { name: posix.basename(place), mode: tarMode(mode ?? found?.mode ?? FILE_MODE), size: kept.bytes }
      await admit({ bytes: kept.bytes, entries: 1 + missing.length }, async () => {
        await makeFolders()
        await put(tarOf(async (out) => await pipeline(kept.read(), out.entry({ ...file, ...owner, mtime: written }))))
      })
      await channel.send(answerOf({ files: 1, bytes: BigInt(kept.bytes) }))
    }
  } finally {
    guard.clear()
  }
}

/** The nearest folder that is there. @throws {FileError} */
async function targetOf(
  access: FilesPlace['access'],
  name: string,
  folder: string,
  signal: AbortSignal,
): Promise<Target> {
  const missing: string[] = []
  for (let at = folder; ; at = posix.dirname(at)) {
    const found = await access.stat(name, at, { signal })
    if (found?.type === 'folder') return { folder: found.path, missing }
    if (found !== null) throw new FileError('BAD_PATH', `${posix.basename(at)} on the way there is no folder`)
    missing.unshift(posix.basename(at))
    if (missing.length > MAX_MISSING)
      throw new FileError('BAD_PATH', `More than ${MAX_MISSING} folders are missing on the way there`)
  }
}

async function* received(channel: Channel, guard: StallGuard): AsyncGenerator<Uint8Array> {
  for (;;) {
    const piece = await channel.receive({ signal: guard.signal })
    if (piece === null) return
    guard.moved()
    yield piece
  }
}

/** What the requester sent wrongly is told apart from what went wrong. */
async function* asTar(sifted: Readable): AsyncGenerator<Buffer> {
  try {
    yield* sifted as AsyncIterable<Buffer>
  } catch (cause) {
    if (isNoTar(cause)) {
      throw new FileError('BAD_PATH', 'What was sent is no tar, or breaks off', { cause })
    }
    throw cause
  }
}
