import { setTimeout as delay } from 'node:timers/promises'
import type { LocalNetwork } from '../../../scripts/local-network.ts'

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  data: any
  code: string | undefined
  message: string | undefined
  retryAfter: string | null
}

/** What a test asks a network of processes. */
export interface NetworkApi {
  call(method: string, path: string, json?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Answers the job's id. */
  submit(job: object): Promise<string>
  /** The job once `condition` holds. */
  job(id: string, condition: (job: Answer['data']) => boolean, withinMs?: number): Promise<Answer['data']>
  /** Waits until the job is over. */
  ended(id: string): Promise<Answer['data']>
  /** Every line of the job's output. */
  lines(id: string): Promise<string[]>
  /** Waits until the gateway answers after a restart. */
  answers(): Promise<void>
  /** Waits until there are so many. */
  moreLines(id: string, count: number): Promise<void>
  /** The provider of that name once `condition` holds. */
  provider(name: string, condition: (provider: Answer['data']) => boolean, withinMs?: number): Promise<Answer['data']>
}

export function networkApi(network: Pick<LocalNetwork, 'url' | 'key'>): NetworkApi {
  async function call(method: string, path: string, json?: unknown, headers = {}): Promise<Answer> {
    const response = await fetch(`${network.url}/api/plugin-core${path}`, {
      method,
      headers: { Authorization: `Bearer ${network.key}`, 'Content-Type': 'application/json', ...headers },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    const { data, error } = (await response.json()) as { data: unknown; error?: { code: string; message: string } }
    const retryAfter = response.headers.get('retry-after')
    return { status: response.status, data, code: error?.code, message: error?.message, retryAfter }
  }

  async function eventually<T>(what: string, withinMs: number, look: () => Promise<T | undefined>): Promise<T> {
    const startedMs = performance.now()
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      if (performance.now() - startedMs > withinMs) throw new Error(`${what} did not come about in ${withinMs} ms`)
      await delay(100)
    }
  }

  const api: NetworkApi = {
    call,
    async submit(job) {
      const { status, data, message } = await call('POST', '/jobs', {
        image: 'cortex/busybox:1',
        cpu: 200,
        memory: '64Mi',
        ...job,
      })
      if (status !== 201) throw new Error(`The submission was answered ${status}: ${message}`)
      return data.id
    },
    async job(id, condition, withinMs = 30_000) {
      return await eventually(`job ${id}: ${condition}`, withinMs, async () => {
        const { data } = await call('GET', `/jobs/${id}`)
        return data !== undefined && condition(data) ? data : undefined
      })
    },
    ended: async (id) =>
      await api.job(id, ({ status }) => ['completed', 'failed', 'cancelled'].includes(status), 60_000),
    async lines(id) {
      const { data, message } = await call('GET', `/jobs/${id}/logs`)
      if (data === undefined) throw new Error(`The output of ${id} was not answered: ${message}`)
      return data.logs.map(({ line }: { line: string }) => line)
    },
    async answers() {
      await eventually('an answer', 30_000, async () => {
        // Not up yet.
        const response = await fetch(`${network.url}/api/health`).catch(() => null)
        return response?.ok === true ? true : undefined
      })
    },
    async moreLines(id, count) {
      await eventually(`${count} lines of ${id}`, 30_000, async () => {
        return (await api.lines(id)).length >= count ? true : undefined
      })
    },
    async provider(name, condition, withinMs = 30_000) {
      return await eventually(`provider ${name}: ${condition}`, withinMs, async () => {
        const { data } = await call('GET', '/providers')
        const found = (data ?? []).find((one: Answer['data']) => one.name === name)
        return found !== undefined && condition(found) ? found : undefined
      })
    },
  }
  return api
}
