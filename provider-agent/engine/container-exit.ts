import { createInterface } from 'node:readline'
import { addAbortSignal, type Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { Abort } from './call.ts'
import { type ContainerExit, KILLED } from './index.ts'

/** How long after its end an engine may take to hear why a container was killed, in ms. */
const HEARD_WITHIN_MS = 1_000

/** An event of a container, of those asked for here. */
interface ContainerEvent {
  Action: 'oom' | 'kill'
  Actor: { Attributes: { /** A number, as digits. */ signal?: string } }
}

/** Where an exit is looked at; Podman has no events of memory. */
interface Ended {
  /** Of the container, or its name. */
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
 * ways: of a hundred such ends on a busy machine one was told first, and is then never marked in the container's state
 * (Docker 20.10; containerd has the same). The event comes all the same, 5 ms later.
 */
async function wasOutOfMemory(docker: Docker, { id, state, isPodman }: Ended, abort: Abort): Promise<boolean> {
  // The engine says it, too, where the kernel killed a child and the program went on to end well.
  if (state.OOMKilled || state.ExitCode !== KILLED || isPodman) return state.OOMKilled && state.ExitCode !== 0
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
    return false
  } finally {
    events.destroy()
  }
}
