import { setTimeout as delay } from 'node:timers/promises'
import { EventSource } from 'eventsource'
import type { JobSubmission } from '../../../protocol/job-spec.ts'

/** A job as the API shows it, as far as the checker looks. */
export interface ApiJob {
  id: string
  status: string
  assignedProvider: string | null
  attempt: number
  cost: { current: number; final?: number }
  results: { exitCode: number | null }
  error: { code: string; message: string } | null
  events: { seq: number; type: string; provider?: string; timestamp: string }[]
}

export interface ApiProvider {
  /** Multiaddrs where it is reached. */
  endpoints: string[]
  id: string
  name: string
  status: string
  capacity: { total: Record<string, unknown>; free: Record<string, unknown> }
}

/** What a live reader of a job's output was given, over every break of the stream. */
export interface LiveLog {
  ids: number[]
  /** Resolves with the stream's `end` event. */
  ended: Promise<void>
  close(): void
}

export type FaultApi = ReturnType<typeof openFaultApi>

/** How long a call is tried again while the gateway is away, in ms. */
const PATIENCE_MS = 300_000

/** The API as a script sees it that does not give up while the gateway is away. */
export function openFaultApi(baseUrl: string, key: string) {
  const base = `${baseUrl}/api/plugin-core`
  const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' }

  async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
    const startedMs = performance.now()
    for (;;) {
      try {
        const response = await fetch(`${base}${path}`, { ...init, headers: { ...headers, ...init.headers } })
        const answer = (await response.json()) as { data: T; error?: { code: string; message: string } }
        if (response.ok) return answer.data
        throw new ApiError(response.status, `${path}: ${answer.error?.code} ${answer.error?.message}`)
      } catch (error) {
        // 503: a gateway that has just started does not know its providers yet.
        if ((error instanceof ApiError && error.status !== 503) || performance.now() - startedMs > PATIENCE_MS)
          throw error
        await delay(50)
      }
    }
  }

  return {
    /** Repeats the same key until it is answered: one job, whatever happens meanwhile. */
    submit: async (job: JobSubmission, idempotencyKey: string) =>
      await call<ApiJob>('/jobs', {
        method: 'POST',
        body: JSON.stringify(job),
        headers: { 'Idempotency-Key': idempotencyKey },
      }),
    job: async (id: string) => await call<ApiJob>(`/jobs/${id}`),
    cancel: async (id: string) => await call<ApiJob>(`/jobs/${id}/cancel`, { method: 'POST' }),
    providers: async () => await call<ApiProvider[]>('/providers'),
    countByStatus: async () =>
      (await call<{ jobs: Record<string, number> }[]>('/networks')).map(({ jobs }) => jobs)[0] ?? {},
    followLog(id: string): LiveLog {
      const source = new EventSource(`${base}/jobs/${id}/logs`, {
        fetch: (url, init) =>
          fetch(url, { ...init, headers: { ...init.headers, Authorization: headers.Authorization } }),
      })
      const ids: number[] = []
      const over = Promise.withResolvers<void>()
      source.addEventListener('message', ({ lastEventId }) => void ids.push(Number(lastEventId)))
      source.addEventListener('end', () => {
        source.close()
        over.resolve()
      })
      return { ids, ended: over.promise, close: () => source.close() }
    },
  }
}

class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
