import { followEvents, type StreamInit } from './event-stream.ts'
import {
  type CallOptions,
  everyItem,
  newIdempotencyKey,
  part,
  type StreamOptions,
  type SubmitOptions,
} from './resource.ts'
import type { Page, QueryValue, Transport } from './transport.ts'
import type {
  Bid,
  Container,
  DryRun,
  ExecResult,
  ExecSocket,
  Job,
  JobChanges,
  JobEvent,
  JobListItem,
  JobMetrics,
  JobOverrides,
  JobQuery,
  JobSubmission,
  LogLine,
  MetricSample,
  MetricsPeriod,
  MetricsResolution,
  NewExec,
  PortLink,
  Receipt,
} from './types.ts'

const BASE = '/plugin-core/jobs'

export interface LogOptions extends StreamOptions {
  /** Goes on with what comes until the job has ended; else what there is, at most the newest 10,000 lines. */
  follow?: boolean
  /** The newest lines only. */
  tail?: number | undefined
  /** Not before. */
  since?: Date | string | undefined
  /** With `follow`: number of the last line that you have. */
  after?: number | undefined
}

export interface EventOptions extends StreamOptions {
  /** Goes on with what comes until the job has ended. */
  follow?: boolean
  /** Events with a higher `seq` only. */
  after?: number | undefined
}

/** A line that was followed. */
export type NumberedLine = LogLine & {
  /** From 1, without gaps; give it as `after` to go on behind it. */
  number: number
}

type LineOf<O extends LogOptions> = O extends { follow: true } ? NumberedLine : LogLine

/** `client.jobs` */
export function jobCalls(transport: Transport, streams: StreamInit) {
  const at = (id: string, rest = ''): string => `${BASE}/${part(id)}${rest}`
  const get = async <T>(path: string, query: Record<string, QueryValue>, { signal }: CallOptions): Promise<T> =>
    await transport.data({ method: 'GET', path, query, signal })
  const submitTo = async <T>(path: string, json: unknown, options: SubmitOptions): Promise<T> => {
    const { idempotencyKey = newIdempotencyKey(), signal } = options
    return await transport.data({ method: 'POST', path, json, idempotencyKey, signal })
  }
  const list = async (query: JobQuery = {}, options: CallOptions = {}): Promise<Page<JobListItem>> =>
    await transport.page({ method: 'GET', path: BASE, query: listQuery(query), ...options })

  return {
    /** One page; newest first unless `sort` says otherwise. */
    list,
    /** Every job that matches, page after page. */
    all: ({ page, limit, cursor, ...query }: JobQuery = {}, options: CallOptions = {}): AsyncGenerator<JobListItem> =>
      everyItem((paging) => list({ ...query, ...paging }, options), {
        ...(page === undefined ? {} : { page }),
        ...(limit === undefined ? {} : { limit }),
        ...(cursor === undefined ? {} : { cursor }),
      }),
    /** With its events; `debug` adds attempt and lease. */
    get: async (id: string, { debug, ...options }: CallOptions & { debug?: boolean } = {}): Promise<Job> =>
      await get(at(id), { debug }, options),
    /** Repeated under one idempotency key where the connection fails, so it makes one job. */
    submit: async (job: JobSubmission, options: SubmitOptions = {}): Promise<Job> => await submitTo(BASE, job, options),
    /** Checks a job and asks who would take it, and at what price; nothing is submitted. */
    dryRun: async (job: JobSubmission, options: CallOptions = {}): Promise<DryRun> =>
      await transport.data({ method: 'POST', path: BASE, query: { dryRun: true }, json: job, ...options }),
    /** Changes a job that has no provider yet. */
    update: async (id: string, changes: JobChanges, options: CallOptions = {}): Promise<Job> =>
      await transport.data({ method: 'PUT', path: at(id), json: changes, ...options }),
    /** Answers at once; the job is `cancelled` when its provider has stopped it. */
    cancel: async (id: string, options: CallOptions = {}): Promise<{ id: string; status: 'cancelling' }> =>
      await transport.data({ method: 'POST', path: at(id, '/cancel'), ...options }),
    /** @param additional seconds on top of the duration */
    extend: async (id: string, additional: number, options: CallOptions = {}): Promise<Job> =>
      await transport.data({ method: 'POST', path: at(id, '/extend'), json: { additional }, ...options }),
    /** A new job from this one. */
    resubmit: async (id: string, overrides: JobOverrides = {}, options: SubmitOptions = {}): Promise<Job> =>
      await submitTo(at(id, '/resubmit'), { overrides }, options),
    fromTemplate: async (templateId: string, overrides: JobOverrides = {}, options: SubmitOptions = {}): Promise<Job> =>
      await submitTo(`${BASE}/from-template/${part(templateId)}`, { overrides }, options),
    bids: async (id: string, options: CallOptions = {}): Promise<Bid[]> =>
      (await get<{ bids: Bid[] }>(at(id, '/bids'), {}, options)).bids,
    /** The statement of use that both sides signed. */
    receipt: async (id: string, options: CallOptions = {}): Promise<Receipt> =>
      await get(at(id, '/receipt'), {}, options),
    /** Runs a command in the running container to its end. */
    exec: async (
      id: string,
      command: readonly string[],
      { timeout, ...options }: CallOptions & { timeout?: number } = {},
    ): Promise<ExecResult> => {
      const timeoutMs = ((timeout ?? 60) + 30) * 1000
      return await transport.data({
        ...{ method: 'POST', path: at(id, '/exec'), json: { command, timeout }, timeoutMs },
        ...options,
      })
    },
    /** The address of a WebSocket to a command that runs; it opens once. The API's document says what goes over it. */
    openExec: async (id: string, request: NewExec, options: CallOptions = {}): Promise<ExecSocket> =>
      await transport.data({
        method: 'POST',
        path: at(id, '/exec'),
        json: { ...request, interactive: true },
        ...options,
      }),
    /** What the running container is doing. */
    container: async (id: string, options: CallOptions = {}): Promise<Container> =>
      await get(at(id, '/container'), {}, options),
    /** A link that opens an exposed port in a browser, once and within a minute. */
    link: async (id: string, port: number, options: CallOptions & { path?: string } = {}): Promise<PortLink> => {
      const { path, ...rest } = options
      // One that nobody opens is worth nothing a minute later.
      const request = { method: 'POST', path: at(id, '/links'), json: { port, path }, isRepeatable: true } as const
      return await transport.data({ ...request, ...rest })
    },
    /**
     * A connection to an exposed port as a WebSocket: binary messages are pieces of the stream, or datagrams, the text
     * `end` ends one direction. Browsers' sockets cannot send the key, so it is for programs.
     * @param connect makes the socket, e.g. of the package `ws`
     */
    openTunnel: <T>(
      id: string,
      to: { port: number; protocol?: 'TCP' | 'UDP' },
      connect: (url: string, headers: Record<string, string>) => T,
    ): T => {
      const { url, headers } = transport.address({
        path: at(id, `/tunnel/${to.port}`),
        query: { protocol: to.protocol },
      })
      return connect(url.replace(/^http/, 'ws'), headers)
    },
    /** The kept output, a tar stream. */
    output: async (id: string, options: CallOptions = {}): Promise<ReadableStream<Uint8Array>> => {
      const headers = { Accept: 'application/x-tar' }
      const { body } = await transport.open({ method: 'GET', path: at(id, '/output'), headers, ...options })
      return body ?? new ReadableStream({ start: (controller) => controller.close() })
    },
    metrics: async (
      id: string,
      options: CallOptions & { period?: MetricsPeriod; resolution?: MetricsResolution } = {},
    ): Promise<JobMetrics> => {
      const { period, resolution } = options
      return await get(at(id, '/metrics'), { period, resolution }, options)
    },

    /** Samples of its use as they come, after a time, until the job has ended. */
    async *followMetrics(id: string, options: StreamOptions & { after?: Date } = {}): AsyncGenerator<MetricSample> {
      const { after, signal, onConnection } = options
      const request = { path: at(id, '/metrics'), lastEventId: after?.getTime().toString(), signal, onConnection }
      for await (const { data } of followEvents<MetricSample>(transport, request, streams)) yield data
    },

    /** Lines of the output. With `follow` a broken connection is resumed: every line comes once. */
    async *logs<O extends LogOptions>(id: string, options?: O): AsyncGenerator<LineOf<O>> {
      const { follow = false, tail, since, after, signal, onConnection }: LogOptions = options ?? {}
      const query = { tail, since }
      if (!follow) {
        yield* (await get<{ logs: LineOf<O>[] }>(at(id, '/logs'), query, { signal })).logs
        return
      }
      const request = { path: at(id, '/logs'), query, lastEventId: after?.toString(), signal, onConnection }
      for await (const { id: number, data } of followEvents<LogLine>(transport, request, streams)) {
        yield { ...data, number: Number(number) } satisfies NumberedLine as LineOf<O>
      }
    },

    /** What happened to a job. With `follow` a broken connection is resumed: every event comes once. */
    async *events(id: string, options: EventOptions = {}): AsyncGenerator<JobEvent> {
      const { follow = false, after, signal, onConnection } = options
      if (!follow) {
        yield* (await get<{ events: JobEvent[] }>(at(id, '/events'), { after }, { signal })).events
        return
      }
      const request = { path: at(id, '/events'), lastEventId: after?.toString(), signal, onConnection }
      for await (const { data } of followEvents<JobEvent>(transport, request, streams)) yield data
    },
  }
}

/** The query as the gateway reads it. */
function listQuery({ labels = {}, ...query }: JobQuery): Record<string, QueryValue> {
  return { ...query, ...Object.fromEntries(Object.entries(labels).map(([key, value]) => [`label.${key}`, value])) }
}
