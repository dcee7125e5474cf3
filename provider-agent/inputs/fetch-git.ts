/** Brings the files of one commit of a repository to the disk, as a tar. See docs/decisions/0086-inputs-from-git.md. */

import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { retried } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { type Outside, OutsideError } from '../../node/network/outside.ts'
import type { GitSource } from '../../protocol/git-input.ts'
import { DataError } from './data-error.ts'
import { type GitDoor, openGitDoor } from './git-door.ts'
import { runGit } from './git-program.ts'
import { IDLE_MS, isOfDisk, MAX_BREAKS, timed, type UrlPatience, unreached } from './patience.ts'

/** Room is made in such steps, in bytes. */
const STEP_BYTES = 64 * 2 ** 20
/** Nothing of a repository says what becomes of its files: they come as they are. */
const ATTRIBUTES = '* -export-ignore -export-subst -filter -text -eol -ident -working-tree-encoding\n'
/** Folders where repositories are for the time being end so. */
export const GIT_FOLDER = '.git'

/** What {@link fetchGit} works with. */
export interface FetchGitComponents {
  outside: Outside
  clock: Clock
  logger: Logger
}

/** Which commit, and where it is kept while it comes. */
export interface GitWanted {
  source: GitSource
  /** The job's secrets that it names. */
  secrets: Readonly<Record<string, string>>
  /** Of the input, for the job's owner. */
  path: string
  /** A file for the tar. The repository is in a folder beside it meanwhile. */
  part: string
  /** More than this is not taken, neither of the server nor of files. */
  maxBytes: number
  /** Told how many bytes came; nobody says of how many. */
  onBytes: (bytes: number, total: null) => void
  /** Makes room for so many bytes in all. @throws {DataError} `no-space` */
  makeRoom: (bytes: number) => Promise<void>
}

/** Answers the bytes of the tar. @throws {DataError} @throws what is wrong with the disk @throws the signal's reason */
export async function fetchGit(
  components: FetchGitComponents,
  wanted: GitWanted,
  patience: UrlPatience,
  signal: AbortSignal,
): Promise<number> {
  const { clock, logger } = components
  const { source, path, part } = wanted
  const where = { path, host: new URL(source.url).host }
  const progress = { received: 0 }
  const inTime = timed(clock, where, progress, patience)
  const folder = part.replace(/\.part$/, GIT_FOLDER)
  let breaks = 0
  const worthAnother = (error: unknown): boolean => {
    if (!(error instanceof OutsideError) || error.code === 'not-open' || error.code === 'no-tls') return false
    logger.debug({ ...where, error: String(error) }, 'what comes from a repository broke off')
    breaks += 1
    inTime()
    return breaks < MAX_BREAKS
  }
  try {
    return await retried(clock, signal, worthAnother, async () => {
      await rm(folder, { recursive: true, force: true })
      await mkdir(folder, { mode: 0o700 })
      return await tryOnce(
        components,
        { ...wanted, folder, idleMs: patience.idleMs ?? IDLE_MS, progress, inTime },
        signal,
      )
    })
  } catch (error) {
    signal.throwIfAborted()
    throw told(error, where)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Try extends GitWanted {
  folder: string
  idleMs: number
  progress: { received: number }
  inTime: () => void
}

async function tryOnce({ outside, clock }: FetchGitComponents, wanted: Try, signal: AbortSignal): Promise<number> {
  const { source, secrets, path, folder, maxBytes, onBytes, makeRoom, idleMs, progress, inTime } = wanted
  const token = source.token === undefined ? null : (secrets[source.token.secret] ?? null)
  let there = 0
  const came = async (bytes: number): Promise<void> => {
    there += bytes
    progress.received += bytes
    if (there > maxBytes) throw new DataError('larger-than-storage', path)
    await makeRoom(steps(there, maxBytes))
    onBytes(there, null)
    inTime()
  }
  const run = { folder, maxFileBytes: maxBytes }
  const repository = join(folder, 'repository')
  const made = await runGit(['init', '--quiet', '--bare', '--template=', repository], run, signal)
  if (!made.ok) throw new Error(`git init: ${made.said}`)
  await mkdir(join(repository, 'info'), { recursive: true })
  await writeFile(join(repository, 'info', 'attributes'), ATTRIBUTES)
  const door = await openGitDoor({ outside, clock }, { url: source.url, token, path, idleMs, came }, signal)
  try {
    const flags = ['--quiet', '--depth=1', '--no-tags', '--no-recurse-submodules', '--no-auto-gc']
    const words = ['--git-dir', repository, 'fetch', ...flags, '--', door.url, source.ref ?? 'HEAD']
    const fetched = await runGit(words, run, signal)
    if (!fetched.ok) throw problemOf(door, fetched.said, path)
  } finally {
    await door.close()
  }
  return await written(wanted, repository, there, signal)
}

/** Writes the tar of what was fetched. */
async function written(
  { part, path, folder, maxBytes, makeRoom, inTime }: Try,
  repository: string,
  before: number,
  signal: AbortSignal,
): Promise<number> {
  await using file = await open(part, 'w', 0o600)
  let bytes = 0
  const read = async (output: AsyncIterable<Buffer>): Promise<void> => {
    for await (const piece of output) {
      bytes += piece.length
      if (bytes > maxBytes) throw new DataError('larger-than-storage', path)
      await makeRoom(steps(before + bytes, 2 * maxBytes))
      await file.appendFile(piece)
      inTime()
    }
  }
  const words = ['--git-dir', repository, 'archive', '--format=tar', 'FETCH_HEAD']
  const { ok } = await runGit(words, { folder, maxFileBytes: maxBytes, read }, signal)
  if (!ok) throw new DataError('git-not-given', path, 'it is no commit that can be unpacked')
  return bytes
}

function steps(bytes: number, most: number): number {
  return Math.min(most, Math.ceil(bytes / STEP_BYTES) * STEP_BYTES)
}

/** Why git did not get it. */
function problemOf(door: GitDoor, said: string, path: string): unknown {
  const problem = door.problem()
  if (problem !== null) return problem
  if (/couldn't find remote ref|not our ref|no such remote ref/i.test(said)) {
    return new DataError('git-not-found', path, 'it has no such branch, tag or commit')
  }
  return new DataError('git-not-given', path, 'what it sent is not sound, or needs too much to be unpacked')
}

function told(error: unknown, { path, host }: { path: string; host: string }): unknown {
  if (error instanceof DataError || isOfDisk(error)) return error
  if (!(error instanceof OutsideError)) return error
  if (error.code === 'no-tls') return new DataError('git-not-given', path, `${host} leads to where there is no TLS`)
  return unreached(error, { path, host })
}
