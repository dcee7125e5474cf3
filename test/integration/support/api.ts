import { join } from 'node:path'
import { EventSource } from 'eventsource'
import { createGateway, type GatewayInit } from '../../../gateway/index.ts'
import { silentLogger } from '../../../node/logger.ts'
import type { JobSubmission } from '../../../protocol/job-spec.ts'
import type { TestMarket } from './market.ts'

export interface Answer {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  data: any
  /** The error's code; undefined where it is none. */
  code: string | undefined
}

/** The market's gateway as a script of somebody else uses it. */
export interface Api {
  readonly url: string
  readonly key: string
  /** Where its jobs are reached by SSH, where that was asked for. */
  readonly sshPort: number | undefined
  call(method: string, path: string, json?: unknown): Promise<Answer>
  /** Answers the job's id. */
  submit(submission: JobSubmission): Promise<string>
  /** The job as it is shown at its end. */
  ended(id: string): Promise<Answer['data']>
  /** Submits, and follows to the end. */
  run(submission: JobSubmission): Promise<Answer['data']>
  /** All messages of a stream, until its `end` event or until `enough` says so. */
  stream<T>(path: string, enough?: (messages: T[]) => boolean): Promise<{ messages: T[]; ids: string[]; end: unknown }>
}

/** Serves the market's client node over HTTP on loopback; it ends with the market. */
export async function openApi(market: TestMarket, more: Partial<GatewayInit> = {}): Promise<Api> {
  const gateway = createGateway(
    { node: market.node, logger: silentLogger },
    { folder: join(market.folder, 'gateway'), port: 0, rateLimits: { enforced: false }, ...more },
  )
  await gateway.start()
  market.defer(gateway.stop)
  const base = `${gateway.url()}/api/plugin-core`
  const key = gateway.adminKey().text
  const headers = { Authorization: `Bearer ${key}` }

  const api: Api = {
    url: gateway.url(),
    key,
    sshPort: gateway.ssh()?.port,

    async call(method, path, json) {
      const response = await fetch(`${base}${path}`, {
        method,
        headers: { ...headers, ...(json === undefined ? {} : { 'Content-Type': 'application/json' }) },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      })
      const { data, error } = (await response.json()) as { data: unknown; error?: { code: string } }
      return { status: response.status, data, code: error?.code }
    },

    async submit(submission) {
      const { status, data, code } = await api.call('POST', '/jobs', submission)
      if (status !== 201) throw new Error(`The submission was answered ${status} ${code}`)
      return data.id
    },

    async ended(id) {
      await market.ended(id)
      return (await api.call('GET', `/jobs/${id}`)).data
    },

    run: async (submission) => await api.ended(await api.submit(submission)),

    async stream<T>(path: string, enough: (messages: T[]) => boolean = () => false) {
      const source = new EventSource(`${base}${path}`, {
        fetch: (target, init) => fetch(target, { ...init, headers: { ...init.headers, ...headers } }),
      })
      const messages: T[] = []
      const ids: string[] = []
      try {
        const end = await new Promise((resolve) => {
          source.addEventListener('message', ({ data, lastEventId }) => {
            messages.push(JSON.parse(data))
            ids.push(lastEventId)
            if (enough(messages)) resolve(null)
          })
          source.addEventListener('end', ({ data }) => resolve(JSON.parse(data)))
        })
        return { messages, ids, end }
      } finally {
        source.close()
      }
    },
  }
  return api
}
