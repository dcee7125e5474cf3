import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { Abort } from '../ask-engine.ts'
import { invalidCommand } from '../invalid-command.ts'
import { readerOf } from '../logs/logs.ts'
import { type Described, isForeign, programOf, unrunnable } from './unrunnable.ts'

/** What an engine's init ends with, and says, where it could not execute its program. */
const DOCKER = { exitCodes: [1, 126, 127], words: /^\[FATAL tini \(\d+\)\] exec .* failed: (.+)/s }
const PODMAN = { exitCodes: [1, 126, 127], words: /^ERROR \(catatonit:\d+\): failed to exec pid1: (.+)/s }
/** The same of a runtime without an init, which finds out when the container has started. */
const RUNTIME = {
  exitCodes: [1, 127, 255],
  words: /^exec [^\n]+: (no such file or directory|exec format error|permission denied)/,
}
/** What a shell ends with that was given a binary of another processor to read. */
const SHELL_EXITS = [2, 126, 127]

/** Podman's log can come after the container's end: how often, and after how many ms each, it is read again until whole. */
const LATE_LOG_TRIES = 15
const LATE_LOG_MS = 100
/** Characters of a log that are looked at, at least; a piece of it has 16 KiB at the most. */
const MAX_WORDS = 1_024

/** What {@link checkInit} judges by. */
export interface EndedProgram {
  exitCode: number
  details: Described & Pick<Docker.ContainerInspectInfo, 'HostConfig'>
  isPodman: boolean
  /** As the engine names it. */
  architecture: string
}

/**
 * A program that cannot be executed is no failure of the start where something stands before it: that starts, says so in
 * its own words, and ends. Rejects with `INVALID_COMMAND` if that is what happened.
 */
export async function checkInit(
  container: Docker.Container,
  { exitCode, details, isPodman, architecture }: EndedProgram,
  abort: Abort,
): Promise<void> {
  const hasInit = details.HostConfig.Init === true
  const { exitCodes, words } = hasInit ? (isPodman ? PODMAN : DOCKER) : RUNTIME
  const mayBeShell = SHELL_EXITS.includes(exitCode)
  if (!exitCodes.includes(exitCode) && !mayBeShell) return
  let said = await firstErrors(container, details, abort)
  for (let tries = 0; isPodman && !said.includes('\n') && tries < LATE_LOG_TRIES; tries += 1) {
    await delay(LATE_LOG_MS, undefined, abort.abortSignal === undefined ? {} : { signal: abort.abortSignal })
    said = await firstErrors(container, details, abort)
  }
  const failure = exitCodes.includes(exitCode) ? words.exec(said) : null
  if (failure !== null) throw await unrunnable(container, details, failure[1] ?? '', abort)
  // Whoever reads it says which file it was, whatever else.
  const program = programOf(details)
  const isShells = mayBeShell && said.includes(program)
  if (isShells && (await isForeign(container, details, architecture, abort))) {
    throw invalidCommand('wrong-architecture', program)
  }
}

/**
 * What it wrote first to its standard error, its pieces put together: Podman's come as they were written, and not at all
 * where the last lines are asked for. On a terminal it is all one. A program that was not executed wrote nothing before its init did.
 */
async function firstErrors(
  container: Docker.Container,
  { Config: config }: Pick<Docker.ContainerInspectInfo, 'Config'>,
  abort: Abort,
): Promise<string> {
  const log = (await container.logs({
    ...{ follow: true, stdout: config.Tty, stderr: true, timestamps: true },
    ...abort,
  })) as Readable
  let said = ''
  const frames = readerOf(config)(({ bytes, start, end }) => {
    said += bytes.toString('utf8', start, end)
  })
  for await (const chunk of log) {
    frames.push(chunk as Buffer)
    if (said.includes('\n') || said.length > MAX_WORDS) break
  }
  return said
}
