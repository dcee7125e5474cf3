/**
 * Containers of jobs that must never run twice end in time even where the agent itself is killed or held up: a process of
 * its own kills them when the agent has not said for too long that their requester is there. See
 * docs/decisions/0010-guard-process.md.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { type Moment, momentBefore } from '../../node/moment.ts'
import { type GuardFile, stampPath } from './guard-file.ts'

/** What the agent has of the process that guards its containers. */
export interface Guard {
  /** The container may live for another `leftMs`, unless told again; resolves when that is written down. */
  hold(name: string, leftMs: number): Promise<void>
  /** When the guard ended the container; null where it did not. */
  endedAt(name: string): Promise<Moment | null>
  /** The container is gone, and nobody asks any more who ended it. */
  release(name: string): Promise<void>
  /** The agent stops. Containers that are still held are guarded on. */
  close(): Promise<void>
}

/** Where the agent and its guard meet, and which engine it is. */
export interface GuardInit {
  /** The agent's data folder. */
  folder: string
  /** `unix://PATH` or `tcp://HOST:PORT`. @default the engine's usual socket */
  dockerHost?: string
}

const PROGRAM = join(import.meta.dirname, `guard-process${extname(import.meta.filename)}`)

/** The process is started with the first container that is held. */
export function createGuard({ clock, logger }: { clock: Clock; logger: Logger }, init: GuardInit): Guard {
  const path = join(init.folder, 'guard.json')
  const holder = randomUUID()
  const ends = new Map<string, GuardFile['ends'][string]>()
  let child: ChildProcess | null = null
  let writing: Promise<void> = Promise.resolve()
  let queued: Promise<void> | null = null

  /** Everything told until the write begins is in it. */
  async function write(): Promise<void> {
    queued ??= writing.then(async () => {
      queued = null
      const file: GuardFile = { holder, agentPid: process.pid, ends: Object.fromEntries(ends) }
      await writeFile(`${path}.new`, JSON.stringify(file), { mode: 0o600 })
      await rename(`${path}.new`, path)
    })
    const written = queued
    writing = written.catch(() => undefined) // whoever asked for it hears of it
    await written
  }

  function start(): void {
    if (child !== null) return
    const started = spawn(process.execPath, [PROGRAM, path, holder, init.dockerHost ?? ''], {
      detached: true,
      stdio: 'ignore',
    })
    child = started
    started.unref()
    started.once('error', (error) => logger.error({ error }, 'the guard of containers could not be started'))
    started.once('exit', () => {
      if (child === started) child = null
    })
  }

  return {
    async hold(name, leftMs) {
      ends.set(name, momentBefore(clock, -leftMs))
      await write()
      start()
    },
    async endedAt(name) {
      try {
        return JSON.parse(await readFile(stampPath(path, name), 'utf8')) as Moment
      } catch {
        return null // none, or not whole: then nothing is proved
      }
    },
    async release(name) {
      if (ends.delete(name)) await write()
      await rm(stampPath(path, name), { force: true })
    },
    async close() {
      await writing
      if (ends.size === 0) child?.kill()
    },
  }
}
