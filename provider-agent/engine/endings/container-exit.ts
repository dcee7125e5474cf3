import type Docker from 'dockerode'
import type { Abort } from '../ask-engine.ts'
import { readEngineTime } from '../engine-properties.ts'
import { type ContainerExit, KILLED } from '../index.ts'
import { sawOutOfMemory } from './kernel-log.ts'
import { type ContainerEvent, ENDING_ACTIONS, endedFromOutside, readEvents } from './outside.ts'

/** How long after its end an engine may take to tell of it, and why a container was killed, in ms. */
const HEARD_WITHIN_MS = 1_000
/** The same on a machine that is as busy as may be: what has not been told of by then, the engine did not see. */
const SEEN_WITHIN_MS = 10_000
/** Events that an engine remembers (moby, `daemon/events`). */
const REMEMBERED = 256
/** How it tells of an end that it saw. */
const END = 'die'

/** Where an exit is looked at. */
interface Ended {
  /** The engine's, not the name. */
  id: string
  state: Docker.ContainerInspectInfo['State']
  isPodman: boolean
  /** The container's own; absent where it has none. */
  stopSignal?: string | undefined
  /** What was heard of it while it ran. @default none */
  heard?: readonly ContainerEvent[]
  /** Whether somebody listened until its end. @default false */
  isHeard?: boolean
}

/** How a container ended, as the engine has it. */
export async function exitOf(docker: Docker, ended: Ended, abort: Abort): Promise<ContainerExit> {
  const { state, stopSignal, heard = [], isHeard = false } = ended
  const startedAtMs = Date.parse(state.StartedAt)
  // The engine notes a start after it happened: a container that ended at once has ended a moment before.
  const finishedAtMs = Math.max(startedAtMs, Date.parse(state.FinishedAt))
  const exitCode = state.ExitCode
  // The engine says it, too, where the kernel killed a child and the program went on to end well.
  if (state.OOMKilled) return { exitCode, oomKilled: exitCode !== 0, startedAtMs, finishedAtMs }
  // Who has listened from the start knows of all that a program could end well after.
  const told = isHeard && exitCode <= 128 ? [] : await toldOf(docker, ended, { startedAtMs, finishedAtMs }, abort)
  const isTold = isHeard || ended.isPodman || told.some(isEnd)
  const isUnseen =
    !isTold && !(await hasForgotten(docker, finishedAtMs, abort)) && !(await isToldLate(docker, ended, abort))
  const exit = { exitCode, finishedAtMs, stopSignal }
  const oomKilled = exitCode === KILLED && (await wasOutOfMemory(ended, told))
  const fromOutside = !oomKilled && endedFromOutside([...heard, ...told], exit)
  return {
    ...{ exitCode, oomKilled, startedAtMs, finishedAtMs },
    ...(fromOutside && { fromOutside }),
    ...(isUnseen && { unseen: isUnseen }),
  }
}

/**
 * Whether a container that has ended badly did so for want of memory. The engine hears of that and of the end on two
 * ways: of a hundred such ends on a busy machine two were told first, and are then never marked in the container's state
 * (Docker 20.10; containerd has the same). The event comes all the same, up to 60 ms later; of four hundred one never
 * came, because the control group was gone before anybody looked why. Then the kernel's own log says it. Podman has no
 * such events, and with runc on control groups of version 1 no mark.
 */
async function wasOutOfMemory({ id }: Ended, told: readonly ContainerEvent[]): Promise<boolean> {
  const [decisive] = told.filter(isDecisive)
  // Killed by whoever asked the engine for it, or by the kernel.
  if (decisive !== undefined) return decisive.action === 'oom'
  return await sawOutOfMemory(id)
}

function isEnd({ action }: ContainerEvent): boolean {
  return action === END
}

/**
 * Whether the engine may have known of an end at this time and forgotten it since. One that was started later has
 * nothing to forget: it remembers less than it could.
 */
async function hasForgotten(docker: Docker, atMs: number, abort: Abort): Promise<boolean> {
  let events = 0
  const query = { since: atMs / 1_000, until: (await readEngineTime(docker, abort)) / 1_000, filters: {} }
  for await (const _event of readEvents(docker, query, abort)) events += 1
  return events >= REMEMBERED
}

/** Whether the engine tells of the end after all. One of some time ago is answered at once. */
async function isToldLate(docker: Docker, { id, state }: Ended, abort: Abort): Promise<boolean> {
  const query = {
    since: Date.parse(state.StartedAt) / 1_000,
    until: (Date.parse(state.FinishedAt) + SEEN_WITHIN_MS) / 1_000,
    filters: { container: [id], event: [END] },
  }
  for await (const event of readEvents(docker, query, abort)) if (isEnd(event)) return true
  return false
}

function isDecisive({ action, signal }: ContainerEvent): boolean {
  return action === 'oom' || (action === 'kill' && signal === 9)
}

/** What the engine remembers of a container's end; nothing where it does not answer that. */
async function toldOf(
  docker: Docker,
  { id, state, isPodman }: Ended,
  { startedAtMs, finishedAtMs }: Pick<ContainerExit, 'startedAtMs' | 'finishedAtMs'>,
  abort: Abort,
): Promise<ContainerEvent[]> {
  const isKilled = state.ExitCode === KILLED
  const query = {
    since: startedAtMs / 1_000,
    // By the engine's clock; an end of some time ago is answered at once.
    until: (finishedAtMs + (isPodman ? 0 : HEARD_WITHIN_MS)) / 1_000,
    filters: {
      container: [id],
      event: isPodman ? ENDING_ACTIONS : [...(isKilled ? ['oom', 'kill'] : ENDING_ACTIONS), END],
    },
  }
  const told: ContainerEvent[] = []
  for await (const event of readEvents(docker, query, abort)) {
    told.push(event)
    // Why it was killed may be told behind its end.
    if (state.ExitCode <= 128 ? isEnd(event) : isKilled ? isDecisive(event) : event.signal === state.ExitCode - 128)
      break
  }
  return told
}
