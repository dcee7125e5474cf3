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
import { FileError, type FileOwner, type HeldPlace } from '../../engine/file-access.ts'
import { ReachRefusedError, WELCOME } from '../refusal.ts'
import type { Kept } from '../transfers.ts'
import { answerOf, type FilesComponents, type FilesPlace } from './answers.ts'

/** How long the engine may take to write all of it, in ms: meanwhile it does nothing else with the container. */
const ENGINE_MS = 240_000

/** How long the disk may take for a file that the engine is not asked to write, in ms. */
const PUT_MS = 240_000

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
  /** The nearest folder that is there. */
  there: string
  /** From that down, e.g. `["new", "newer"]`. */
  missing: string[]
  /** The file's name, links followed. */
  file: string
  /** Permission bits of what is there; null for nothing. */
  mode: number | null
  owner: FileOwner
}

/** Takes a file in, or a tar, and puts it into the container. @throws {ReachRefusedError} @throws {FileError} */
export async function writeFiles(
  components: FilesComponents,
  place: FilesPlace,
  path: string,
  asked: WriteRequest,
): Promise<void> {
  await using held = asked.tar ? null : ((await place.more?.openPlace(place.name, path, place)) ?? null)
  if (held !== null) await writeHeld(components, place, { path, held }, asked)
  else if (asked.tar) await writeTar(components, place, path)
  else await writeFile(components, place, path, asked)
}

/** Puts a file without asking the engine for it: an archive costs it more than most files do. */
async function writeHeld(
  components: FilesComponents,
  place: FilesPlace,
  { path, held }: { path: string; held: HeldPlace },
  asked: WriteRequest,
): Promise<void> {
  const owner = await place.ownerIn('/')
  await using kept = await keepFile(components, place)
  // The engine removes what is there first, and the kernel's way has both for a moment: that may end the job.
  const isTight = held.mode !== null && kept.bytes > place.freeBytes()
  const isPut = !isTight && (await putHeld(components, place, { held, owner, kept }, asked))
  if (!isPut) await putByEngine(components, place, await findTarget(place, path, asked), kept, asked)
  await place.channel.send(answerOf({ files: 1, bytes: BigInt(kept.bytes) }))
}

/** @returns whether it is put; else the engine has to. @throws {ReachRefusedError} where the disk takes too long */
async function putHeld(
  { clock }: FilesComponents,
  { signal }: FilesPlace,
  { held, owner, kept }: { held: HeldPlace; owner: FileOwner; kept: Kept },
  { mode = held.mode ?? FILE_MODE, mtimeMs }: WriteRequest,
): Promise<boolean> {
  const limit = deadline(clock, PUT_MS, signal)
  const time = mtimeMs === undefined ? {} : { mtimeMs: Number(mtimeMs) }
  const content = kept.read()
  try {
    return await held.put(content, { ...{ owner, mode, bytes: kept.bytes, signal: limit.signal }, ...time })
  } catch (cause) {
    if (!limit.signal.aborted || signal.aborted) throw cause
    throw new ReachRefusedError('FAILED', `The provider’s disk took longer than ${PUT_MS / 1000} s`, { cause })
  } finally {
    content.destroy()
    limit.clear()
  }
}

async function writeFile(
  components: FilesComponents,
  place: FilesPlace,
  path: string,
  asked: WriteRequest,
): Promise<void> {
  const target = await findTarget(place, path, asked)
  await using kept = await keepFile(components, place)
  await putByEngine(components, place, target, kept, asked)
  await place.channel.send(answerOf({ files: 1, bytes: BigInt(kept.bytes) }))
}

async function writeTar(components: FilesComponents, place: FilesPlace, path: string): Promise<void> {
  const { transfers, clock } = components
  const { channel, signal, maxBytes, admit } = place
  const target = await findTarget(place, path, { tar: true })
  const guard = guardStall(clock, signal)
  try {
    await channel.send(WELCOME)
    const init = { roots: null, maxBytes, owner: target.owner, mayLinkOut: true }
    const sifted = siftTar(Readable.from(received(channel, guard), { objectMode: false }), init)
    await using kept = await transfers.keep(asTar(sifted.tar), MAX_FRAMES * maxBytes + 2 ** 20)
    const { entries, files, bytes } = sifted.counts
    await admit({ bytes, entries: entries + target.missing.length }, async () => {
      await unpackIn(components, place, target, kept.read)
    })
    await channel.send(answerOf({ files, bytes: BigInt(bytes), leftOut: sifted.leftOut() }))
  } finally {
    guard.clear()
  }
}

/** All that the requester sends as a file. */
async function keepFile({ transfers, clock }: FilesComponents, { channel, signal, maxBytes }: FilesPlace) {
  const guard = guardStall(clock, signal)
  try {
    await channel.send(WELCOME)
    return await transfers.keep(received(channel, guard), maxBytes)
  } finally {
    guard.clear()
  }
}

/** Where something is to be put, as the engine sees it. @throws {FileError} */
async function findTarget(
  { access, name, signal, ownerIn }: FilesPlace,
  path: string,
  { tar }: Pick<WriteRequest, 'tar'>,
): Promise<Target> {
  const found = await access.stat(name, path, { signal })
  const isFolder = found?.type === 'folder'
  if (tar && found !== null && !isFolder) throw new FileError('BAD_PATH', 'The path is no folder')
  if (!tar && isFolder) throw new FileError('BAD_PATH', 'The path is a folder: name the file in it')
  if (!tar && found !== null && found.type !== 'file') throw new FileError('BAD_PATH', 'The path is no file')
  const place = found?.path ?? path
  const { there, missing } = await nearestOf(access, name, tar ? place : posix.dirname(place), signal)
  const folder = posix.join(there, ...missing)
  if (IN_MEMORY.test(`${folder}/`)) throw new FileError('BAD_PATH', 'What is memory (/proc, /sys, /dev) takes no files')
  return { there, missing, file: posix.basename(place), mode: found?.mode ?? null, owner: await ownerIn(there) }
}

async function putByEngine(
  components: FilesComponents,
  place: FilesPlace,
  target: Target,
  kept: Kept,
  { mode, mtimeMs }: WriteRequest,
): Promise<void> {
  const mtime = new Date(mtimeMs === undefined ? components.clock.nowMs() : Number(mtimeMs))
  const bits = tarMode(mode ?? target.mode ?? FILE_MODE)
  const entry = { name: target.file, mode: bits, size: kept.bytes, mtime, ...target.owner }
  await place.admit({ bytes: kept.bytes, entries: 1 + target.missing.length }, async () => {
    const tar = () => tarOf(async (out) => await pipeline(kept.read(), out.entry(entry)))
    await unpackIn(components, place, target, tar)
  })
}

/** Has the engine unpack a tar where it is to be, and make what is missing on the way there. */
async function unpackIn(
  { clock }: FilesComponents,
  { access, name, signal }: FilesPlace,
  { there, missing, owner }: Target,
  tar: () => Readable,
): Promise<void> {
  const unpackAt = async (at: string, ready: Readable): Promise<void> => {
    const limit = deadline(clock, ENGINE_MS, signal)
    await access.unpack(name, at, ready, { signal: limit.signal }).finally(limit.clear)
  }
  if (missing.length > 0) {
    const made = missing.map((_, depth) => missing.slice(0, depth + 1).join('/'))
    const mtime = new Date(clock.nowMs())
    const folders = tarOf(async (out) => {
      for (const one of made) out.entry({ name: one, type: 'directory', mode: FOLDER_MODE, mtime, ...owner })
    })
    await unpackAt(there, folders)
  }
  await unpackAt(posix.join(there, ...missing), tar())
}

/** The nearest folder that is there. @throws {FileError} */
async function nearestOf(
  access: FilesPlace['access'],
  name: string,
  folder: string,
  signal: AbortSignal,
): Promise<Pick<Target, 'there' | 'missing'>> {
  const missing: string[] = []
  for (let at = folder; ; at = posix.dirname(at)) {
    const found = await access.stat(name, at, { signal })
    if (found?.type === 'folder') return { there: found.path, missing }
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
