import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'

/** One thing that happened to a container of a provider. */
export interface EngineEvent {
  action: 'create' | 'start' | 'die' | 'destroy'
  owner: string
  jobId: string
  fence: number
  containerId: string
  /** The engine's time, in ms. */
  atMs: number
}

export interface EngineRecorder {
  /** Everything since the recorder began, in the engine's order; what is still under way is waited for. */
  events(): Promise<EngineEvent[]>
}

const OWNER_LABEL = 'org.cortex-node.owner'
const ACTIONS = ['create', 'start', 'die', 'destroy'] as const

/**
 * What an engine did with providers' containers from now on. Asked from the engine's own memory at the end, so that
 * nothing is missed; an engine remembers its last 256 events, so it is asked now and then.
 */
export function recordEngine(docker: Docker): EngineRecorder & { stop(): Promise<void> } {
  const seen = new Map<string, EngineEvent>()
  const over = new AbortController()
  let since = Date.now() / 1000 - 1

  async function read(): Promise<void> {
    const until = Date.now() / 1000
    const filters = { type: ['container'], label: [OWNER_LABEL], event: [...ACTIONS] }
    const stream = await docker.getEvents({ since: since.toFixed(3), until: until.toFixed(3), filters } as object)
    let text = ''
    for await (const chunk of stream) text += String(chunk)
    for (const line of text.split('\n').filter(Boolean)) keep(JSON.parse(line) as RawEvent)
    since = until - 1
  }

  function keep({ Action, Actor, timeNano }: RawEvent): void {
    const { [OWNER_LABEL]: owner = '', 'cortex.job': jobId = '', 'cortex.fence': fence = '' } = Actor.Attributes
    const event = { action: Action, owner, jobId, fence: Number(fence), containerId: Actor.ID, atMs: timeNano / 1e6 }
    seen.set(`${timeNano} ${Action} ${Actor.ID}`, event)
  }

  const watching = (async () => {
    while (!over.signal.aborted) {
      await read()
      await delay(500, undefined, { signal: over.signal }).catch(() => undefined) // aborted: the loop ends
    }
  })()
  // Told by stop().
  watching.catch(() => undefined)

  return {
    async events() {
      await read()
      return [...seen.values()].sort((a, b) => a.atMs - b.atMs)
    },
    async stop() {
      over.abort()
      await watching
    },
  }
}

interface RawEvent {
  Action: EngineEvent['action']
  Actor: { ID: string; Attributes: Record<string, string> }
  timeNano: number
}
