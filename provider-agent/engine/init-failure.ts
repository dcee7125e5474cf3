import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { Abort } from './call.ts'
import { EngineError } from './index.ts'
import { createFrameReader } from './log-frames.ts'

/** What an engine's init ends with, and says, where it could not execute its program. */
const DOCKER = { exitCodes: [126, 127], words: /\[FATAL tini \(\d+\)\] exec (.+) failed: (.+)/ }
const PODMAN = { exitCodes: [1, 126, 127], words: /ERROR \(catatonit:\d+\): failed to exec (pid1): (.+)/ }

/** Podman's log can come after the container's end: how often, and after how many ms each, it is read again until whole. */
const LATE_LOG_TRIES = 15
const LATE_LOG_MS = 100
/** Characters of a log that are looked at, at least; a piece of it has 16 KiB at the most. */
const MAX_WORDS = 1_024

/**
 * With an init in front, a program that cannot be executed is no failure of the start: the init starts, says so in its
 * own words, and ends. Rejects with `INVALID_COMMAND` if that is what happened.
 */
export async function checkInit(
  container: Docker.Container,
  { exitCode, isPodman }: { exitCode: number; isPodman: boolean },
  abort: Abort,
): Promise<void> {
  const { exitCodes, words } = isPodman ? PODMAN : DOCKER
  if (!exitCodes.includes(exitCode)) return
  let said = await firstErrors(container, abort)
  for (let tries = 0; isPodman && !said.includes('\n') && tries < LATE_LOG_TRIES; tries += 1) {
    await delay(LATE_LOG_MS, undefined, abort.abortSignal === undefined ? {} : { signal: abort.abortSignal })
    said = await firstErrors(container, abort)
  }
  const failure = words.exec(said)
  if (failure === null) return
  throw new EngineError('INVALID_COMMAND', `${failure[1]}: ${failure[2]}`, { reason: 'not-executable' })
}

/**
 * What it wrote first to its standard error, its pieces put together: Podman's come as they were written, and not at all
 * where the last lines are asked for. A program that was not executed wrote nothing before its init did.
 */
async function firstErrors(container: Docker.Container, abort: Abort): Promise<string> {
  const log = (await container.logs({ follow: true, stderr: true, timestamps: true, ...abort })) as Readable
  let said = ''
  const frames = createFrameReader(({ bytes, start, end }) => {
    said += bytes.toString('utf8', start, end)
  })
  for await (const chunk of log) {
    frames.push(chunk as Buffer)
    if (said.includes('\n') || said.length > MAX_WORDS) break
  }
  return said
}
