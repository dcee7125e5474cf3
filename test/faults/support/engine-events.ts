import { addAbortSignal, type Readable } from 'node:stream'
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
/** How far back an engine is asked again, in ms: it tells of some things a little after they happened. */
const AGAIN_MS = 1_000
const RETRY_MS = 100

/**
 * What an engine did with providers' containers from now on. Heard as it happens, because an engine remembers its last 256
 * events and loses them when it ends; and asked again for what it remembers whenever it answers anew, and at the end.
 */
export function recordEngine(docker: Docker): EngineRecorder & { stop(): Promise<void> } {
  const seen = new Map<string, EngineEvent>()
  const over = new AbortController()
  let since = Date.now() - AGAIN_MS

  /** @param untilMs absent: until the engine ends, or `stop` */
  async function read(untilMs?: number): Promise<void> {
    const filters = { type: ['container'], label: [OWNER_LABEL], event: [...ACTIONS] }
    const until = untilMs === undefined ? {} : { until: (untilMs / 1000).toFixed(3) }
    const query = { since: (since / 1000).toFixed(3), ...until, filters }
    const stream = (await docker.getEvents(query as object)) as Readable
    if (untilMs === undefined) addAbortSignal(over.signal, stream)
    let rest = ''
    for await (const chunk of stream) {
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines.filter(Boolean)) keep(JSON.parse(line) as RawEvent)
    }
  }

  function keep({ Action, Actor, timeNano }: RawEvent): void {
    const { [OWNER_LABEL]: owner = '', 'cortex.job': jobId = '', 'cortex.fence': fence = '' } = Actor.Attributes
    const event = { action: Action, owner, jobId, fence: Number(fence), containerId: Actor.ID, atMs: timeNano / 1e6 }
    seen.set(`${timeNano} ${Action} ${Actor.ID}`, event)
    since = Math.max(since, event.atMs - AGAIN_MS)
  }

  const listening = (async () => {
    while (!over.signal.aborted) {
      // It is away: what it remembers is asked for when it is back.
      await read().catch(() => undefined)
      await delay(RETRY_MS, undefined, { signal: over.signal }).catch(() => undefined) // aborted: the loop ends
    }
  })()

  return {
    async events() {
      await read(Date.now())
      return [...seen.values()].sort((a, b) => a.atMs - b.atMs)
    },
    async stop() {
      over.abort()
      await listening
    },
  }
}

interface RawEvent {
  Action: EngineEvent['action']
  Actor: { ID: string; Attributes: Record<string, string> }
  timeNano: number
}
