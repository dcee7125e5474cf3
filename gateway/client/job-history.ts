import { followEvents, type StreamInit } from './event-stream.ts'
import { type CallOptions, jobPath, type StreamOptions } from './resource.ts'
import type { QueryValue, Transport } from './transport.ts'
import type { JobEvent, JobMetrics, LogLine, MetricSample, MetricsPeriod, MetricsResolution } from './types.ts'

/** Which lines of a job’s log, and whether it is followed. */
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

/** Which events of a job, and whether it is followed. */
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

/** Which time of a job’s use, and how closely. */
export interface MetricsQuery {
  /** How far back. @default "1h" */
  period?: MetricsPeriod | undefined
  /** At or after, in place of `period`. */
  from?: Date | string | undefined
  /** At or before. @default now, or the end of the job */
  to?: Date | string | undefined
  /** How far apart its points are. @default "1m" */
  resolution?: MetricsResolution | undefined
}

type LineOf<O extends LogOptions> = O extends { follow: true } ? NumberedLine : LogLine

/** The part of `client.jobs` for what is written down as a job runs: its log, its events, its use. */
export function jobHistoryCalls(transport: Transport, streams: StreamInit) {
  const get = async <T>(path: string, query: Record<string, QueryValue>, { signal }: CallOptions): Promise<T> =>
    await transport.data({ method: 'GET', path, query, signal })

  return {
    /** Its use over time: a point for each step of the resolution that has a sample. */
    metrics: async (id: string, options: CallOptions & MetricsQuery = {}): Promise<JobMetrics> => {
      const { period, resolution, from, to } = options
      return await get(jobPath(id, '/metrics'), { period, resolution, from, to }, options)
    },

    /** Samples of its use as they come, after a time, until the job has ended. */
    async *followMetrics(id: string, options: StreamOptions & { after?: Date } = {}): AsyncGenerator<MetricSample> {
      const { after, signal, onConnection } = options
      const request = { path: jobPath(id, '/metrics'), lastEventId: after?.getTime().toString(), signal, onConnection }
      for await (const { data } of followEvents<MetricSample>(transport, request, streams)) yield data
    },

    /** Lines of the output. With `follow` a broken connection is resumed: every line comes once. */
    async *logs<O extends LogOptions>(id: string, options?: O): AsyncGenerator<LineOf<O>> {
      const { follow = false, tail, since, after, signal, onConnection }: LogOptions = options ?? {}
      const query = { tail, since }
      if (!follow) {
        yield* (await get<{ logs: LineOf<O>[] }>(jobPath(id, '/logs'), query, { signal })).logs
        return
      }
      const request = { path: jobPath(id, '/logs'), query, lastEventId: after?.toString(), signal, onConnection }
      for await (const { id: number, data } of followEvents<LogLine>(transport, request, streams)) {
        yield { ...data, number: Number(number) } satisfies NumberedLine as LineOf<O>
      }
    },

    /** What happened to a job. With `follow` a broken connection is resumed: every event comes once. */
    async *events(id: string, options: EventOptions = {}): AsyncGenerator<JobEvent> {
      const { follow = false, after, signal, onConnection } = options
      if (!follow) {
        yield* (await get<{ events: JobEvent[] }>(jobPath(id, '/events'), { after }, { signal })).events
        return
      }
      const request = { path: jobPath(id, '/events'), lastEventId: after?.toString(), signal, onConnection }
      for await (const { data } of followEvents<JobEvent>(transport, request, streams)) yield data
    },
  }
}
