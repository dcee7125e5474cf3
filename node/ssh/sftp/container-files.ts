import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Pack } from 'tar-stream'
import type { Clock } from '../../clock.ts'
import { type FileAction, type JobFile, type JobFiles, ReachError } from '../../reach/index.ts'
import type { JobStore } from '../../store/index.ts'
import { addEmpty, tarMode, tarOf } from '../../tar-of.ts'
import { SftpError, type SftpFiles, Status } from './index.ts'

/** How often something is asked for again where too much is asked of the container at a time, and after how long, in ms. */
const TRIES = 20
const AGAIN_MS = 250

/** Asked for at a time: what a folder holds. */
const PAGE = 1000

const OLDER = 'The provider’s version is older, and has no way to do that: use a command in the container'

/** What {@link createSftpFiles} works with. */
export interface SftpFilesComponents {
  files: JobFiles
  store: Pick<JobStore, 'get'>
  clock: Clock
}

/** The files of one job's container, for a session. */
export function createSftpFiles({ files, store, clock }: SftpFilesComponents, jobId: string): SftpFiles {
  /** What the provider of a lease does: the job may go on at another, whose version is another. */
  let known: { lease: string; actions: ReadonlySet<FileAction> } | null = null

  async function patiently<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await task()
      } catch (error) {
        if (!(error instanceof ReachError) || error.code !== 'TOO_MANY' || tries === TRIES) throw error
        await clock.sleep(AGAIN_MS, signal)
      }
    }
  }

  async function can(action: FileAction, signal: AbortSignal): Promise<boolean> {
    const state = (await store.get(jobId))?.state
    const lease = state?.status === 'running' ? `${state.lease.provider} ${state.lease.fence}` : ''
    if (known?.lease !== lease) {
      const { actions } = await patiently(signal, async () => await files.look(jobId, '/', { limit: 0 }, signal))
      known = { lease, actions: new Set(actions) }
    }
    return known.actions.has(action)
  }

  async function need(action: FileAction, signal: AbortSignal): Promise<void> {
    if (!(await can(action, signal))) throw new SftpError(Status.unsupported, OLDER)
  }

  async function lstat(path: string, signal: AbortSignal): Promise<JobFile | null> {
    if (await can('itself', signal)) {
      return await orNothing(patiently(signal, async () => await files.lookAt(jobId, path, signal)))
    }
    if (path === '/')
      return (await patiently(signal, async () => await files.look(jobId, path, { limit: 0 }, signal))).file
    const name = posix.basename(path)
    const page = { after: before(name), limit: 1 }
    const asked = patiently(signal, async () => await files.look(jobId, posix.dirname(path), page, signal))
    return (await orNothing(asked))?.entries.find((entry) => entry.name === name) ?? null
  }

  async function stat(path: string, signal: AbortSignal): Promise<JobFile | null> {
    // Costs a provider the least, and tells of what is memory, too.
    const itself = (await can('itself', signal)) ? await lstat(path, signal) : undefined
    if (itself !== undefined && itself?.type !== 'link') return itself
    const asked = patiently(signal, async () => await files.look(jobId, path, { limit: 0 }, signal))
    return (await orNothing(asked))?.file ?? null
  }

  /** Puts entries into a folder that is there. */
  async function put(folder: string, add: (out: Pack) => Promise<unknown>, signal: AbortSignal): Promise<void> {
    const { leftOut } = await patiently(signal, async () => {
      const tar = tarOf(add)
      return await files.write(jobId, folder, { tar: true }, tar, signal).finally(() => tar.destroy())
    })
    const [left] = leftOut
    if (left !== undefined) throw new SftpError(Status.failed, `${left.path} ${left.reason}`)
  }

  async function putFile(
    path: string,
    how: { mode: number; mtimeMs?: number },
    content: () => Readable,
    signal: AbortSignal,
  ): Promise<void> {
    await patiently(signal, async () => {
      const source = content()
      return await files.write(jobId, path, how, source, signal).finally(() => source.destroy())
    })
  }

  /** With an older provider a tar brings times along, but no link is followed by it, and not every name is let through. */
  async function goesByTar(path: string, isThere: boolean, signal: AbortSignal): Promise<boolean> {
    return !path.includes('\\') && (!isThere || (await lstat(path, signal))?.type !== 'link')
  }

  return {
    ...{ stat, lstat },
    async list(path, after, signal) {
      const page = { after, limit: PAGE }
      const { file, entries, more } = await patiently(signal, async () => await files.look(jobId, path, page, signal))
      if (file.type !== 'folder') throw new SftpError(Status.failed, `The path is no folder but a ${file.type}`)
      return { entries: entries.filter(isPlain), more }
    },
    read: async (path, signal) => await patiently(signal, async () => await files.read(jobId, path, {}, signal)),
    async write(path, { mode, mtimeMs, size, isThere }, content, signal) {
      if (mtimeMs === undefined) return await putFile(path, { mode }, content, signal)
      if (await can('timed', signal)) return await putFile(path, { mode, mtimeMs }, content, signal)
      if (!(await goesByTar(path, isThere, signal))) return await putFile(path, { mode }, content, signal)
      const header = { name: posix.basename(path), mode: tarMode(mode), size, mtime: new Date(mtimeMs) }
      await put(posix.dirname(path), async (out) => await pipeline(content(), out.entry(header)), signal)
    },
    async makeFolder(path, mode, signal) {
      const header = { name: posix.basename(path), mode, mtime: new Date(clock.nowMs()), type: 'directory' } as const
      await put(posix.dirname(path), async (out) => await addEmpty(out, header), signal)
    },
    async makeLink(path, target, signal) {
      const mtime = new Date(clock.nowMs())
      // Named from the root on: engines refuse a link that leads out of the folder in which a tar is unpacked.
      const header = { name: path.slice(1), mtime, linkname: target, type: 'symlink' } as const
      await put('/', async (out) => await addEmpty(out, header), signal)
    },
    remove: async (path, signal) =>
      await patiently(signal, async () => await files.remove(jobId, path, { recursive: false }, signal)),
    async move(path, to, how, signal) {
      await need('move', signal)
      await patiently(signal, async () => await files.move(jobId, path, to, how, signal))
    },
    async change(path, to, signal) {
      await need('change', signal)
      await patiently(signal, async () => await files.change(jobId, path, to, signal))
    },
  }
}

/** Whether a client may put it behind the folder's path: who says what is there may say anything. */
function isPlain({ name }: JobFile): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0')
}

/** Null where there is nothing, or what is on the way is no folder. */
async function orNothing<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof ReachError && (error.code === 'NO_FILE' || error.code === 'BAD_PATH')) return null
    throw error
  }
}

/** A name that sorts shortly before another, by their UTF-16 code units: no other one is between them but by intent. */
function before(name: string): string {
  const last = [...name].at(-1) ?? ''
  const rest = name.slice(0, name.length - last.length)
  const point = last.codePointAt(0) ?? 0
  if (point <= 1) return rest
  if (point === 0x10000) return `${rest}\ud7ff\uffff`
  if (point === 0xe000) return `${rest}\u{10ffff}`
  return `${rest}${String.fromCodePoint(point - 1)}\uffff`
}
