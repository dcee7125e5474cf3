/**
 * The agents of this user on this machine, each with its engine, its data folder, and a lock that ends with its process. By
 * it the next agent of the same engine tells what nobody will come back for. See docs/decisions/0052-what-nobody-holds.md.
 */

import { lstat, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { type FolderLock, lockFolder } from '../../node/store/folder-lock.ts'

/** What an agent says of itself. */
interface KnownAgent {
  /** Path of its engine's socket. */
  engine: string
  /** Absolute. */
  dataFolder: string
  /** Of the file system that the data folder is in: a disk that is not mounted is not gone. */
  device: number
}

/** Where an agent is, as {@link enterAgent} writes it down for the others. */
export interface AgentPlace {
  /** Peer id. */
  owner: string
  /** Path of its engine's socket. */
  engine: string
  /** Relative ones are made absolute. */
  dataFolder: string
}

/** In a data folder: no agent comes back to it when its process has ended. */
export const PASSING_FILE = 'passing'

/** A peer id, and nothing that means something in a path or a filter. */
const PEER_ID = /^[1-9A-HJ-NP-Za-km-z]{32,128}$/

/**
 * Says that the agent is here, until its process ends or `release()`.
 *
 * @param root @default one folder for each user of the machine
 * @returns null where others could write there, or somebody has the place: then nobody takes the agent for gone
 */
export async function enterAgent(
  { owner, engine, dataFolder }: AgentPlace,
  root: string = usualRoot(),
): Promise<FolderLock | null> {
  if (!(await isTrusted(root))) return null
  const folder = join(root, owner)
  const lock = await lockFolder(folder)
  if (lock === null) return null
  const path = resolve(dataFolder)
  const known: KnownAgent = { engine, dataFolder: path, device: (await stat(path)).dev }
  await writeFile(join(folder, 'agent.json'), JSON.stringify(known), { mode: 0o600 })
  return lock
}

/**
 * Calls back with the peer id of each agent of this engine that has ended for good: its process is gone, and its data
 * folder is, too, or says that it is {@link PASSING_FILE}. Forgets it afterwards. It cannot come up meanwhile.
 */
export async function forEachGone(
  engine: string,
  remove: (owner: string) => Promise<void>,
  root: string = usualRoot(),
): Promise<void> {
  if (!(await isTrusted(root))) return
  for (const owner of await readdir(root)) {
    const known = PEER_ID.test(owner) ? await read(join(root, owner)) : null
    // One whose engine is gone, too, has left nothing.
    if (known === null || (known.engine !== engine && (await exists(known.engine)))) continue
    if (!(await isForGood(known))) continue
    const lock = await lockFolder(join(root, owner))
    if (lock === null) continue
    try {
      if (known.engine === engine) await remove(owner)
      await rm(join(root, owner), { recursive: true, force: true })
    } finally {
      await lock.release()
    }
  }
}

/** Calls back with the peer id of each agent, of any engine, whose process is gone. It cannot come up meanwhile. */
export async function forEachEnded(act: (owner: string) => Promise<void>, root: string = usualRoot()): Promise<void> {
  if (!(await isTrusted(root))) return
  for (const owner of await readdir(root)) {
    const lock = PEER_ID.test(owner) ? await lockFolder(join(root, owner)) : null
    if (lock !== null) await act(owner).finally(lock.release)
  }
}

function usualRoot(): string {
  return join(tmpdir(), `cortex-agents-${process.getuid?.() ?? 'all'}`)
}

/** Makes it where it is missing. Anybody may have made a folder of that name before. */
async function isTrusted(root: string): Promise<boolean> {
  await mkdir(root, { recursive: true, mode: 0o700 })
  const found = await lstat(root)
  const isOwn = process.getuid === undefined || found.uid === process.getuid()
  return found.isDirectory() && isOwn && (found.mode & 0o022) === 0
}

/** Null where it is no agent's, or half written. */
async function read(folder: string): Promise<KnownAgent | null> {
  try {
    const { engine, dataFolder, device }: Partial<KnownAgent> = JSON.parse(
      await readFile(join(folder, 'agent.json'), 'utf8'),
    )
    if (typeof engine !== 'string' || typeof dataFolder !== 'string' || typeof device !== 'number') return null
    return { engine, dataFolder, device }
  } catch {
    return null
  }
}

async function isForGood({ dataFolder, device }: KnownAgent): Promise<boolean> {
  if (await exists(dataFolder)) return await exists(join(dataFolder, PASSING_FILE))
  let above = dirname(dataFolder)
  while (!(await exists(above)) && above !== dirname(above)) above = dirname(above)
  return (await stat(above)).dev === device
}

/** True also where nobody can tell. */
async function exists(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
  )
}
