import { setTimeout as delay } from 'node:timers/promises'
import type { LocalNetwork } from '../../../scripts/local-network.ts'
import { LONGEST_WAIT_MS, lookAgainMs } from '../../support/until.ts'

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  data: any
  code: string | undefined
  message: string | undefined
  retryAfter: string | null
}

const ENDED = ['completed', 'failed', 'cancelled']

/** What a test asks a network of processes. */
export interface NetworkApi {
  call(method: string, path: string, json?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Answers the job's id. */
  submit(job: object): Promise<string>
  /** The job once `condition` holds. */
  job(id: string, condition: (job: Answer['data']) => boolean): Promise<Answer['data']>
  /** Waits until the job is over. */
  ended(id: string): Promise<Answer['data']>
  /** Every line of the job's output. */
  lines(id: string): Promise<string[]>
  /** Waits until the gateway answers after a restart. */
  answers(): Promise<void>
  /** Waits until there are so many. */
  moreLines(id: string, count: number): Promise<void>
  /** The provider of that name once `condition` holds. */
  provider(name: string, condition: (provider: Answer['data']) => boolean): Promise<Answer['data']>
}

/** @param init.lookMs how long it waits at least before it looks again at what it waits for, in ms. @default 100 */
export function networkApi(network: Pick<LocalNetwork, 'url' | 'key'>, { lookMs = 100 } = {}): NetworkApi {
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

  async function eventually<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const startedMs = performance.now()
    for (;;) {
      const found = await look()
      if (found !== undefined) return found
      const waitedMs = performance.now() - startedMs
      if (waitedMs > LONGEST_WAIT_MS) throw new Error(`${what} did not come about in ${LONGEST_WAIT_MS} ms`)
      await delay(lookAgainMs(waitedMs, lookMs))
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
    async job(id, condition) {
      return await eventually(`job ${id}: ${condition}`, async () => {
        const { data } = await call('GET', `/jobs/${id}`)
        return data !== undefined && condition(data) ? data : undefined
      })
    },
    ended: async (id) => await api.job(id, ({ status }) => ENDED.includes(status)),
    async lines(id) {
      const { data, message } = await call('GET', `/jobs/${id}/logs`)
      if (data === undefined) throw new Error(`The output of ${id} was not answered: ${message}`)
      return data.logs.map(({ line }: { line: string }) => line)
    },
    async answers() {
      await eventually('an answer', async () => {
        // Not up yet.
        const response = await fetch(`${network.url}/api/health`).catch(() => null)
        return response?.ok === true ? true : undefined
      })
    },
    async moreLines(id, count) {
      await eventually(`${count} lines of ${id}`, async () => {
        const { data: job } = await call('GET', `/jobs/${id}`)
        const lines = await api.lines(id)
        if (lines.length >= count) return true
        // Asked for before its lines: none comes any more.
        if (ENDED.includes(job?.status)) throw new Error(`${lines.length} of ${count} lines of ${JSON.stringify(job)}`)
        return undefined
      })
    },
    async provider(name, condition) {
      return await eventually(`provider ${name}: ${condition}`, async () => {
        const { data } = await call('GET', '/providers')
        const found = (data ?? []).find((one: Answer['data']) => one.name === name)
        return found !== undefined && condition(found) ? found : undefined
      })
    },
  }
  return api
}
