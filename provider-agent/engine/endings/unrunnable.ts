/**
 * Why a program could not be executed. The kernel gives one number for several causes, and engines and their inits pass on
 * its text; the container's own files tell the rest.
 */

import type { IncomingMessage } from 'node:http'
import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { entriesOf } from '../../../node/tar-entries.ts'
import type { Abort } from '../ask-engine.ts'
import { statusOf } from '../errors.ts'
import type { EngineError } from '../index.ts'
import { invalidCommand, reasonOfWords, type Unexecuted } from '../invalid-command.ts'

/** The parts of a container's description that say what it runs. */
export type Described = Pick<Docker.ContainerInspectInfo, 'Path' | 'Args' | 'Config'>

const PODMAN_INITS: ReadonlySet<string> = new Set(['/run/podman-init', '/dev/init'])

/** The program that a container was told to run. Podman names its own init there, and the program behind a `--`. */
export function programOf({ Path: path, Args: args }: Pick<Described, 'Path' | 'Args'>): string {
  return PODMAN_INITS.has(path) && args[0] === '--' ? (args[1] ?? path) : path
}

/** The error for a program that was not executed, after a look at the container's files. */
export async function unrunnable(
  container: Docker.Container,
  details: Described,
  words: string,
  abort: Abort,
): Promise<EngineError> {
  const told = reasonOfWords(words)
  const program = programOf(details)
  const found = await findProgram(container, program, details.Config, abort)
  const reason = closer(told, found)
  return invalidCommand(reason, program)
}

function closer(told: Unexecuted, found: Found | null): Unexecuted {
  if (found === null) return told
  if (found.isFolder) return 'is-a-folder'
  return told === 'command-not-found' ? 'bad-interpreter' : told
}

interface Found {
  path: string
  isFolder: boolean
}

/** Go's mark for a folder, and for a link, in a file's mode. */
const FOLDER = 2 ** 31
const LINK = 2 ** 27

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The file that the program's name means, whether or not it can be executed; null where there is none. */
async function findProgram(
  container: Docker.Container,
  program: string,
  { Env: env, WorkingDir: folder }: Described['Config'],
  abort: Abort,
): Promise<Found | null> {
  const searched = env?.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? DEFAULT_PATH
  const folders = program.includes('/') ? [''] : searched.split(':').slice(0, 32)
  for (const one of folders) {
    const found = await look(container, posix.resolve('/', folder ?? '', one, program), abort)
    // In the search path, a folder of that name is passed over.
    if (found !== null && (program.includes('/') || !found.isFolder)) return found
  }
  return null
}

async function look(container: Docker.Container, path: string, abort: Abort, follow = true): Promise<Found | null> {
  try {
    const answer = await container.infoArchive({ path, ...abort })
    const { headers } = answer as IncomingMessage
    ;(answer as IncomingMessage).destroy()
    const header = String(headers['x-docker-container-path-stat'] ?? '')
    const stat = JSON.parse(Buffer.from(header, 'base64').toString()) as { mode: number; linkTarget: string }
    // Masks of more than 31 bits are no matter for `&`.
    const has = (mark: number): boolean => Math.floor(stat.mode / mark) % 2 === 1
    if (has(LINK)) return follow && stat.linkTarget !== '' ? await look(container, stat.linkTarget, abort, false) : null
    return { path, isFolder: has(FOLDER) }
  } catch (error) {
    abort.abortSignal?.throwIfAborted()
    // Not there, or below something that is no folder; an engine that cannot say leaves it at the words.
    if (statusOf(error) !== null || error instanceof SyntaxError) return null
    throw error
  }
}

/** ELF's numbers for the processors that programs are made for, by the engine's name of its own; those that it runs too. */
const MACHINES: Record<string, readonly number[]> = {
  amd64: [62, 3],
  arm64: [183, 40],
  arm: [40],
  386: [3],
  riscv64: [243],
  ppc64le: [21],
  s390x: [22],
}

/**
 * Whether the program is a binary for another processor. An init that cannot execute it has a shell read it instead, as
 * the C library does, and that ends as a shell ends with what it cannot make sense of.
 */
export async function isForeign(
  container: Docker.Container,
  details: Described,
  architecture: string,
  abort: Abort,
): Promise<boolean> {
  const own = MACHINES[architecture]
  const found = own === undefined ? null : await findProgram(container, programOf(details), details.Config, abort)
  if (own === undefined || found === null || found.isFolder) return false
  const header = await firstBytes((await container.getArchive({ path: found.path, ...abort })) as Readable)
  if (header.length < 20 || header.readUInt32BE(0) !== 0x7f454c46) return false
  const isLittle = header[5] !== 2
  return !own.includes(isLittle ? header.readUInt16LE(18) : header.readUInt16BE(18))
}

/** The beginning of the one file in a tar; the rest is not read. */
async function firstBytes(tar: Readable): Promise<Buffer> {
  const entries = entriesOf(tar)
  try {
    for await (const entry of entries) {
      for await (const chunk of entry) return chunk as Buffer
    }
    return Buffer.alloc(0)
  } catch {
    return Buffer.alloc(0) // What cannot be read is no reason.
  } finally {
    tar.destroy()
    entries.destroy()
  }
}
