import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { Abort } from './call.ts'
import { EngineError } from './index.ts'

/** What an engine's init ends with, and says, where it could not execute its program. */
const DOCKER = { exitCodes: [126, 127], words: /\[FATAL tini \(\d+\)\] exec (.+) failed: (.+)/ }
const PODMAN = { exitCodes: [1, 126, 127], words: /ERROR \(catatonit:\d+\): failed to exec (pid1): (.+)/ }

/** Podman's log can come after the container's end: how often, and after how many ms each, an empty one is read again. */
const LATE_LOG_TRIES = 15
const LATE_LOG_MS = 100

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
  let said = await lastErrors(container, abort)
  for (let tries = 0; isPodman && said === '' && tries < LATE_LOG_TRIES; tries += 1) {
    await delay(LATE_LOG_MS, undefined, abort.abortSignal === undefined ? {} : { signal: abort.abortSignal })
    said = await lastErrors(container, abort)
  }
  const failure = words.exec(said)
  if (failure === null) return
  throw new EngineError('INVALID_COMMAND', `${failure[1]}: ${failure[2]}`, { reason: 'not-executable' })
}

async function lastErrors(container: Docker.Container, abort: Abort): Promise<string> {
  const log = (await container.logs({ stdout: false, stderr: true, tail: 3, ...abort })) as unknown as Buffer
  return Buffer.from(log).toString('utf8')
}
