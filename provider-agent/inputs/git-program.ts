/**
 * The program git, for repositories of strangers: with nothing of the owner's configuration, credentials and hooks, no protocol but
 * the one that it is told, and within bounds that its system keeps.
 */

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { endGroup } from '../../node/process-group.ts'

/** What one process of it may have of addresses, in KiB: of memory it uses a part of that. */
const MAX_MEMORY_KIB = 2 ** 20
/** And of the processor, in seconds. */
const MAX_CPU_SECONDS = 3_600
/** What is kept of what it complains of, in bytes. */
const MAX_SAID_BYTES = 8 * 1024
/** Nothing that the owner added to the path. */
const PATH = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin'

/** Old tools wrote these, and they do no harm. */
const HARMLESS = [
  'zeroPaddedFilemode',
  'missingSpaceBeforeDate',
  'missingSpaceBeforeEmail',
  'badTimezone',
  'missingEmail',
  'missingNameBeforeEmail',
  'badDateOverflow',
  'zeroPaddedDate',
]
const SETTINGS: readonly string[] = [
  ...[
    'core.hooksPath=/dev/null',
    'credential.helper=',
    'gc.auto=0',
    'maintenance.auto=false',
    'http.followRedirects=false',
  ],
  ...[
    'protocol.allow=never',
    'protocol.http.allow=always',
    'transfer.bundleURI=false',
    'http.proxy=',
    'tar.umask=0022',
  ],
  // A pack stays one, whose size is bounded: its objects, each a file, may be far larger.
  'fetch.unpackLimit=1',
  ...['fetch.fsckObjects=true', ...HARMLESS.map((one) => `fetch.fsck.${one}=ignore`)],
  ...[
    'pack.threads=1',
    'core.bigFileThreshold=8m',
    'core.packedGitWindowSize=1m',
    'core.packedGitLimit=32m',
    'core.deltaBaseCacheLimit=16m',
  ],
].flatMap((setting) => ['-c', setting])

/** Where and how it runs. */
export interface GitRun {
  /** It finds nothing of the owner's there: its home, and where it works. */
  folder: string
  /** A file that it writes may have so many bytes. */
  maxFileBytes: number
  /** Reads all that it writes to its standard output. @default nobody wants that */
  read?: (output: Readable) => Promise<void>
}

/** What came of it. */
export interface GitEnd {
  ok: boolean
  /** What it complained of, for programs: a stranger's words may be in it. */
  said: string
}

let known: boolean | undefined

/** Whether this machine has one that is new enough (2.30, of December 2020). Looked at once. */
export function hasGit(): boolean {
  known ??= (() => {
    const { stdout } = spawnSync('git', ['--version'], { env: { PATH }, encoding: 'utf8', timeout: 10_000 })
    const [, major, minor] = /^git version (\d+)\.(\d+)/.exec(stdout ?? '') ?? []
    return Number(major) > 2 || (Number(major) === 2 && Number(minor) >= 30)
  })()
  return known
}

/** Runs one of its commands to the end. @throws what reading its output did @throws the signal's reason */
export async function runGit(
  args: readonly string[],
  { folder, maxFileBytes, read }: GitRun,
  signal: AbortSignal,
): Promise<GitEnd> {
  signal.throwIfAborted()
  const limits = `ulimit -v ${MAX_MEMORY_KIB} -t ${MAX_CPU_SECONDS} 2>/dev/null; ulimit -f ${Math.ceil(maxFileBytes / 512) + 2048}; exec git "$@"`
  const env = {
    ...{ PATH, HOME: folder, XDG_CONFIG_HOME: folder, LC_ALL: 'C', no_proxy: '*' },
    ...{ GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_ATTR_NOSYSTEM: '1', GIT_TERMINAL_PROMPT: '0' },
    ...{ GIT_ALLOW_PROTOCOL: 'http', GIT_ASKPASS: '/bin/false', GIT_CEILING_DIRECTORIES: folder },
  }
  const words = ['-c', limits, 'git', ...SETTINGS, ...args]
  // With a group of its own, for it has helpers that end with it.
  const child = spawn('/bin/sh', words, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = (): void => endGroup(child.pid)
  signal.addEventListener('abort', kill, { once: true })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-MAX_SAID_BYTES)
  })
  try {
    const closed = once(child, 'close')
    // Told below, where the reading fails first.
    closed.catch(() => undefined)
    if (read === undefined) child.stdout.resume()
    else await read(child.stdout)
    const [code] = (await closed) as [number | null]
    signal.throwIfAborted()
    return { ok: code === 0, said }
  } finally {
    kill()
    signal.removeEventListener('abort', kill)
  }
}
