import { EventSource } from 'eventsource'

export interface DemoJob {
  id: string
  status: string
  /** Who has or had it; null where nobody did. */
  assignedProvider: string | null
  startedAt: string | null
  endedAt: string | null
  cost: { current: number; final?: number }
  results: { exitCode: number | null }
  error: { code: string; message: string; remedy: string } | null
}

export interface DemoEvent {
  type: string
  timestamp: string
  [field: string]: string | number | boolean
}

export interface DemoBid {
  name: string
  outcome: string
  price: number | null
  reason: string
}

/** The few calls of the plugin-core API that the demo makes, as a script of somebody else would. */
export type DemoApi = ReturnType<typeof openApi>

/** @param signal ends calls and streams that are under way; without, nothing does */
export function openApi(baseUrl: string, key: string, signal: AbortSignal = new AbortController().signal) {
  const base = `${baseUrl}/api/plugin-core`
  const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' }

  async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await fetch(`${base}${path}`, { ...init, headers, signal })
    const answer = (await response.json()) as { data: T; error?: { code: string; message: string } }
    if (!response.ok) throw new Error(`${path}: ${answer.error?.code} ${answer.error?.message}`)
    return answer.data
  }

  /** Reads a stream to its `end` event. */
  async function stream(path: string, onMessage: (data: string) => Promise<void> | void): Promise<void> {
    const source = new EventSource(`${base}${path}`, {
      fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, Authorization: headers.Authorization } }),
    })
    try {
      await new Promise<void>((resolve, reject) => {
        // An `EventSource` by itself connects again for ever.
        signal.throwIfAborted()
        signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        let last = Promise.resolve()
        source.addEventListener('message', ({ data }) => {
          last = last.then(() => onMessage(data))
          last.catch(reject)
        })
        source.addEventListener('end', () => last.then(resolve, reject))
      })
    } finally {
      source.close()
    }
  }

  return {
    submit: (job: object) => call<DemoJob>('/jobs', { method: 'POST', body: JSON.stringify(job) }),
    job: (id: string) => call<DemoJob>(`/jobs/${id}`),
    logs: (id: string, onLine: (line: string) => void) =>
      stream(`/jobs/${id}/logs`, (data) => onLine((JSON.parse(data) as { line: string }).line)),
    events: (id: string, onEvent: (event: DemoEvent) => Promise<void> | void) =>
      stream(`/jobs/${id}/events`, (data) => onEvent(JSON.parse(data) as DemoEvent)),
    bids: async (id: string) => (await call<{ bids: DemoBid[] }>(`/jobs/${id}/bids`)).bids,
    async providers() {
      const list = await call<{ id: string; name: string; status: string; pricing: { cpu: number } }[]>('/providers')
      return list
        .filter(({ status }) => status === 'online')
        .map(({ id, name, pricing }) => ({ id, name, price: pricing.cpu }))
    },
  }
}
