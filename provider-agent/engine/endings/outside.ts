/**
 * Whether a container ended because somebody asked the engine for it: its owner with `docker kill`, `stop` or `restart`, or
 * the engine itself, which stops containers when it is stopped, and when it comes back and finds some that its predecessor
 * left. The exit code does not tell, for a program may end itself with the same one, and may end well when it is told to
 * stop. The engine's events do (tried on Docker 20.10): what was asked for is an event of its own, what a program does to
 * itself is none.
 *
 * An engine remembers its last 256 events and forgets them when it ends, but it goes on telling of them while it is being
 * stopped. So somebody listens as long as a container runs, and asks again for what was remembered when it has ended.
 */

import { constants } from 'node:os'
import { createInterface } from 'node:readline'
import { addAbortSignal, type Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Abort } from '../ask-engine.ts'

/** What happened to a container, of what is asked for here. */
export interface ContainerEvent {
  action: string
  /** A number; null where none was sent, or the engine does not say which. */
  signal: number | null
  /** In ms since the epoch, by the engine's clock. */
  atMs: number
}

/** As the engine tells it. */
interface RawEvent {
  Action: string
  Actor?: { Attributes?: { signal?: string } }
  time?: number
  timeNano?: number
}

/** Whoever stops a container gives it so long to end by itself, in ms; what ends later has ended by itself. */
const GRACE_MS = 30_000
/** By how much an event may be told later than what it tells of, in ms. */
const LATE_MS = 2_000

const { SIGKILL, SIGTERM, SIGINT, SIGQUIT } = constants.signals
/** Signals by which a program is asked to end, and may do so with any exit code. */
const ASKING: readonly number[] = [SIGTERM, SIGINT, SIGQUIT]
/** Actions that end what runs, whatever came of it. */
const STOPPED: ReadonlySet<string> = new Set(['stop', 'restart'])
/** The events of a container that are listened for: of all others none ends it from outside. */
export const ENDING_ACTIONS = ['kill', ...STOPPED]

/** Whether these events ended a container. @param stopSignal the container's own, as the engine has it */
export function endedFromOutside(
  events: readonly ContainerEvent[],
  { exitCode, finishedAtMs, stopSignal }: { exitCode: number; finishedAtMs: number; stopSignal: string | undefined },
): boolean {
  return events.some(({ action, signal, atMs }) => {
    if (atMs > finishedAtMs + LATE_MS) return false
    if (STOPPED.has(action)) return true
    if (action !== 'kill') return false
    if (signal === null) return exitCode > 128
    if (exitCode === 128 + signal) return true
    return signal !== SIGKILL && asks(signal, stopSignal) && finishedAtMs - atMs < GRACE_MS
  })
}

/** Whether somebody told a container to end. @param stopSignal the container's own, as the engine has it */
export function wasToldToEnd(events: readonly ContainerEvent[], stopSignal: string | undefined): boolean {
  return events.some(
    ({ action, signal }) =>
      STOPPED.has(action) || (signal !== null && (signal === SIGKILL || asks(signal, stopSignal))),
  )
}

function asks(signal: number, stopSignal: string | undefined): boolean {
  return ASKING.includes(signal) || signal === signalNumber(stopSignal)
}

/** `SIGTERM`, `TERM` or `15`; null where it is none. */
export function signalNumber(name: string | undefined): number | null {
  if (name === undefined || name === '') return null
  if (/^\d+$/.test(name)) return Number(name)
  const signals: Record<string, number | undefined> = constants.signals
  return signals[name.startsWith('SIG') ? name : `SIG${name}`] ?? null
}

/** Reads events until the engine or `abort` ends that. */
export async function* readEvents(
  docker: Docker,
  query: { since: number; until?: number; filters: Record<string, string[]> },
  abort: Abort,
): AsyncGenerator<ContainerEvent> {
  const stream = (await docker.getEvents({ ...query, ...abort })) as Readable
  if (abort.abortSignal !== undefined) addAbortSignal(abort.abortSignal, stream)
  try {
    for await (const line of createInterface({ input: stream })) {
      const { Action: action, Actor: actor, time = 0, timeNano = time * 1e9 } = JSON.parse(line) as RawEvent
      yield { action, signal: signalNumber(actor?.Attributes?.signal), atMs: timeNano / 1e6 }
    }
  } finally {
    stream.destroy()
  }
}

/** Listens to what the engine tells of containers that run, and remembers what might end them. */
export interface Ear {
  /** Listens until the answer is called. What was heard of it before stays. */
  listen(id: string, startedAtMs: number): () => void
  heard(id: string): readonly ContainerEvent[]
  /** The container is gone. */
  forget(id: string): void
}

/** Events remembered of one container. */
const MOST = 32

/** Keeps the newest {@link MOST} events of each container. */
export function createEar(docker: Docker): Ear {
  const remembered = new Map<string, ContainerEvent[]>()

  async function hear(id: string, startedAtMs: number, abortSignal: AbortSignal): Promise<void> {
    const filters = { container: [id], event: ENDING_ACTIONS }
    for await (const event of readEvents(docker, { since: startedAtMs / 1_000, filters }, { abortSignal })) {
      remembered.set(id, [...(remembered.get(id) ?? []), event].slice(-MOST))
    }
  }

  return {
    listen(id, startedAtMs) {
      const over = new AbortController()
      // Whoever waits for the container hears of an engine that is gone, and one that tells of no events is asked later.
      hear(id, startedAtMs, over.signal).catch(() => undefined)
      return () => over.abort()
    },
    heard: (id) => remembered.get(id) ?? [],
    forget: (id) => void remembered.delete(id),
  }
}
