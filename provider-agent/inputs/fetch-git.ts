/** Brings the files of one commit of a repository, and of its submodules where that is asked for, to the disk, as a tar. See docs/decisions/0086-inputs-from-git.md. */

import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { retried } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { type Outside, OutsideError } from '../../node/network/outside.ts'
import type { GitSource } from '../../protocol/git-input.ts'
import { DataError } from './data-error.ts'
import { type GitDoor, openGitDoor } from './git-door.ts'
import { type GitRun, runGit } from './git-program.ts'
import { aboutOf, type GitRepository, MAX_SUBMODULES, submodulesOf, tooMany } from './git-submodules.ts'
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
        { ...wanted, folder, idleMs: patience.idleMs ?? IDLE_MS, where, progress, inTime },
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
  /** What is asked just now. */
  where: { path: string; host: string }
  progress: { received: number }
  inTime: () => void
}

async function tryOnce(components: FetchGitComponents, wanted: Try, signal: AbortSignal): Promise<number> {
  const { source, path, part, folder, maxBytes, onBytes, makeRoom, where, progress, inTime } = wanted
  const there = { fetched: 0, written: 0 }
  const more = async (what: keyof typeof there, bytes: number): Promise<void> => {
    there[what] += bytes
    if (there[what] > maxBytes) throw new DataError('larger-than-storage', path)
    await makeRoom(steps(there.fetched + there.written, 2 * maxBytes))
    inTime()
  }
  const came = async (bytes: number): Promise<void> => {
    progress.received += bytes
    await more('fetched', bytes)
    onBytes(there.fetched, null)
  }
  await using file = await open(part, 'w', 0o600)
  const run = { folder, maxFileBytes: maxBytes }
  const repositories: GitRepository[] = [{ url: source.url, ref: source.ref ?? 'HEAD', prefix: '', depth: 0 }]
  // Those of its submodules are behind it, so that each folder comes before what stands in it.
  for (const [index, one] of repositories.entries()) {
    where.host = `${aboutOf(one)}${new URL(one.url).host}`
    inTime()
    const repository = join(folder, `repository-${index}`)
    await fetchOne(components, { ...wanted, one, repository, came }, signal)
    const write = async (piece: Buffer): Promise<void> => {
      await more('written', piece.length)
      await file.appendFile(piece)
    }
    await writeTar({ one, repository, path, run }, write, signal)
    if (source.submodules === true) {
      repositories.push(...(await submodulesOf(repository, one, { run, input: path }, signal)))
      if (repositories.length > MAX_SUBMODULES + 1) throw tooMany(path)
    }
    await rm(repository, { recursive: true })
  }
  return there.written
}

/** Brings one commit into a repository of its own: no server hears of another's. */
async function fetchOne(
  { outside, clock }: FetchGitComponents,
  wanted: Try & { one: GitRepository; repository: string; came: (bytes: number) => Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  const { one, repository, source, secrets, path, folder, maxBytes, idleMs, came } = wanted
  const run = { folder, maxFileBytes: maxBytes }
  const made = await runGit(['init', '--quiet', '--bare', '--template=', repository], run, signal)
  if (!made.ok) throw new Error(`git init: ${made.said}`)
  await mkdir(join(repository, 'info'), { recursive: true })
  await writeFile(join(repository, 'info', 'attributes'), ATTRIBUTES)
  // The job's owner gave it for the host that the job names, and for no other that a repository does.
  const isOpened = source.token !== undefined && new URL(one.url).host === new URL(source.url).host
  const token = isOpened ? (secrets[source.token?.secret ?? ''] ?? null) : null
  const about = aboutOf(one)
  const door = await openGitDoor({ outside, clock }, { url: one.url, token, path, about, idleMs, came }, signal)
  try {
    const flags = ['--quiet', '--depth=1', '--no-tags', '--no-recurse-submodules', '--no-auto-gc']
    const words = ['--git-dir', repository, 'fetch', ...flags, '--', door.url, one.ref]
    const fetched = await runGit(words, run, signal)
    if (!fetched.ok) throw problemOf(door, fetched.said, one, path)
  } finally {
    await door.close()
  }
}

/** Hands on the tar of what was fetched. Several behind each other are one to whoever reads it: blocks of zeros end none. */
async function writeTar(
  { one, repository, path, run }: { one: GitRepository; repository: string; path: string; run: Omit<GitRun, 'read'> },
  write: (piece: Buffer) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const read = async (output: AsyncIterable<Buffer>): Promise<void> => {
    for await (const piece of output) await write(piece)
  }
  const words = ['archive', '--format=tar', ...(one.prefix === '' ? [] : [`--prefix=${one.prefix}`]), 'FETCH_HEAD']
  const { ok } = await runGit(['--git-dir', repository, ...words], { ...run, read }, signal)
  if (!ok) throw new DataError('git-not-given', path, `${aboutOf(one)}it is no commit that can be unpacked`)
}

function steps(bytes: number, most: number): number {
  return Math.min(most, Math.ceil(bytes / STEP_BYTES) * STEP_BYTES)
}

/** Why git did not get it. */
function problemOf(door: GitDoor, said: string, one: GitRepository, path: string): unknown {
  const problem = door.problem()
  if (problem !== null) return problem
  const about = aboutOf(one)
  if (/couldn't find remote ref|not our ref|no such remote ref|unadvertised object/i.test(said)) {
    const missing = about === '' ? 'it has no such branch, tag or commit' : `its server does not give commit ${one.ref}`
    return new DataError('git-not-found', path, `${about}${missing}`)
  }
  const [, unsound] = /gitmodules\w+: (.{1,200})/.exec(said) ?? []
  if (unsound !== undefined) {
    return new DataError(
      'git-not-given',
      path,
      `${about}git takes its .gitmodules for hostile: ${JSON.stringify(unsound)}`,
    )
  }
  return new DataError('git-not-given', path, `${about}what it sent is not sound, or needs too much to be unpacked`)
}

function told(error: unknown, { path, host }: { path: string; host: string }): unknown {
  if (error instanceof DataError || isOfDisk(error)) return error
  if (!(error instanceof OutsideError)) return error
  if (error.code === 'no-tls') return new DataError('git-not-given', path, `${host} leads to where there is no TLS`)
  return unreached(error, { path, host })
}
