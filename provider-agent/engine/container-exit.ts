import { createInterface } from 'node:readline'
import { addAbortSignal, type Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Abort } from './call.ts'
import { type ContainerExit, KILLED } from './index.ts'
import { sawOutOfMemory } from './kernel-log.ts'

/** How long after its end an engine may take to hear why a container was killed, in ms. */
const HEARD_WITHIN_MS = 1_000

/** An event of a container, of those asked for here. */
interface ContainerEvent {
  Action: 'oom' | 'kill'
  Actor: { Attributes: { /** A number, as digits. */ signal?: string } }
}

/** Where an exit is looked at. */
interface Ended {
  /** The engine's, not the name. */
  id: string
  state: Docker.ContainerInspectInfo['State']
  isPodman: boolean
}

/** How a container ended, as the engine has it. */
export async function exitOf(docker: Docker, ended: Ended, abort: Abort): Promise<ContainerExit> {
  const { state } = ended
  const startedAtMs = Date.parse(state.StartedAt)
  return {
    exitCode: state.ExitCode,
    oomKilled: await wasOutOfMemory(docker, ended, abort),
    startedAtMs,
    // The engine notes a start after it happened: a container that ended at once has ended a moment before.
    finishedAtMs: Math.max(startedAtMs, Date.parse(state.FinishedAt)),
  }
}

/**
 * Whether a container that has ended badly did so for want of memory. The engine hears of that and of the end on two
 * ways: of a hundred such ends on a busy machine two were told first, and are then never marked in the container's state
 * (Docker 20.10; containerd has the same). The event comes all the same, up to 60 ms later; of four hundred one never
 * came, because the control group was gone before anybody looked why. Then the kernel's own log says it. Podman has no
 * such events, and with runc on control groups of version 1 no mark.
 */
async function wasOutOfMemory(docker: Docker, { id, state, isPodman }: Ended, abort: Abort): Promise<boolean> {
  // The engine says it, too, where the kernel killed a child and the program went on to end well.
  if (state.OOMKilled || state.ExitCode !== KILLED) return state.OOMKilled && state.ExitCode !== 0
  return (isPodman ? null : await heardOutOfMemory(docker, { id, state }, abort)) ?? (await sawOutOfMemory(id))
}

/** What the engine's events say: null where they say nothing. */
async function heardOutOfMemory(
  docker: Docker,
  { id, state }: Pick<Ended, 'id' | 'state'>,
  abort: Abort,
): Promise<boolean | null> {
  const asked = {
    since: Date.parse(state.StartedAt) / 1_000,
    // By the engine's clock; an end of some time ago is answered at once.
    until: (Date.parse(state.FinishedAt) + HEARD_WITHIN_MS) / 1_000,
    filters: { container: [id], event: ['oom', 'kill'] },
  }
  const events = (await docker.getEvents({ ...asked, ...abort })) as Readable
  if (abort.abortSignal !== undefined) addAbortSignal(abort.abortSignal, events)
  try {
    for await (const line of createInterface({ input: events })) {
      const { Action: action, Actor: actor } = JSON.parse(line) as ContainerEvent
      if (action === 'oom') return true
      if (actor.Attributes.signal === '9') return false // by whoever asked the engine for it
    }
    return null
  } finally {
    events.destroy()
  }
}
