import { auditCalls, sessionCalls } from './account.ts'
import { batchCalls } from './batches.ts'
import { followEvents, type StreamInit } from './event-stream.ts'
import { jobCalls } from './jobs.ts'
import {
  type CallOptions,
  crud,
  everyItem,
  newIdempotencyKey,
  part,
  type StreamOptions,
  type SubmitOptions,
} from './resource.ts'
import { sandboxCalls } from './sandboxes.ts'
import { createTransport, type Page, type Transport, type TransportInit } from './transport.ts'
import type {
  CostForecast,
  CostPeriod,
  Costs,
  Health,
  Job,
  JobListItem,
  JobQuery,
  Key,
  Network,
  NewKey,
  NewProvider,
  NewSchedule,
  NewSshKey,
  NewTemplate,
  Paging,
  PeerTraffic,
  Provider,
  ProviderChanges,
  ProviderHistoryEntry,
  ProviderMetrics,
  ProviderMetricsPeriod,
  ProviderMetricsResolution,
  ProviderPricing,
  ProviderStatus,
  RateLimits,
  RevokedKey,
  Schedule,
  ScheduleChanges,
  SshKey,
  Template,
  TemplateChanges,
  User,
} from './types.ts'
import { uploadCalls } from './uploads.ts'
import { volumeCalls } from './volumes.ts'
import { webhookCalls } from './webhooks.ts'

/**
 * Where the gateway is, who asks, and how patiently; a name that is none of these is a `TypeError` of the constructor.
 */
export interface CortexClientInit extends TransportInit {
  /** How broken streams are opened again. */
  streams?: StreamInit
}

const OPTIONS: Record<keyof CortexClientInit, true> = {
  baseUrl: true,
  apiKey: true,
  retries: true,
  retryDelayMs: true,
  maxRetryAfterMs: true,
  timeoutMs: true,
  fetch: true,
  streams: true,
}
const STREAM_OPTIONS: Record<keyof StreamInit, true> = {
  reconnectDelayMs: true,
  maxReconnectDelayMs: true,
  maxReconnects: true,
  silenceMs: true,
  ready: true,
}

/** A name that means nothing would be passed over in silence. @throws {TypeError} */
function assertKnown(init: object, known: object, where: string): void {
  const unknown = Object.keys(init).filter((name) => !Object.hasOwn(known, name))
  if (unknown.length === 0) return
  throw new TypeError(`${where} has no ${unknown.join(', ')}: it takes ${Object.keys(known).join(', ')}`)
}

/** An event of the whole gateway. */
export interface GatewayEvent {
  /** Give it as `after` to go on behind it. */
  id: string
  /** `job.…` or `provider.…`. */
  type: string
  createdAt: string
  data: Record<string, unknown>
}

/**
 * A gateway as a program sees it. Requests are repeated where that is safe, streams are resumed, and everything that
 * goes wrong is a {@link CortexError} with the code of the API. For Node and for browsers.
 */
export class CortexClient {
  readonly jobs: ReturnType<typeof jobCalls>
  readonly sandboxes: ReturnType<typeof sandboxCalls>
  readonly batches: ReturnType<typeof batchCalls>
  readonly uploads: ReturnType<typeof uploadCalls>
  readonly templates: ReturnType<typeof crud<Template, NewTemplate, TemplateChanges>>
  readonly volumes: ReturnType<typeof volumeCalls>
  readonly schedules: ReturnType<typeof scheduleCalls>
  readonly webhooks: ReturnType<typeof webhookCalls>
  readonly providers: ReturnType<typeof providerCalls>
  readonly networks: ReturnType<typeof networkCalls>
  readonly keys: ReturnType<typeof keyCalls>
  readonly sshKeys: ReturnType<typeof sshKeyCalls>
  readonly analytics: ReturnType<typeof analyticsCalls>
  readonly session: ReturnType<typeof sessionCalls>
  readonly audit: ReturnType<typeof auditCalls>
  readonly #transport: Transport
  readonly #streams: StreamInit

  /** @throws {TypeError} for an option that there is none of */
  constructor(init: CortexClientInit) {
    assertKnown(init, OPTIONS, 'CortexClient')
    assertKnown(init.streams ?? {}, STREAM_OPTIONS, 'streams of CortexClient')
    const transport = createTransport(init)
    this.#transport = transport
    this.#streams = init.streams ?? {}
    this.jobs = jobCalls(transport, this.#streams)
    this.sandboxes = sandboxCalls(transport, this.jobs)
    this.batches = batchCalls(transport)
    this.uploads = uploadCalls(transport)
    this.templates = crud(transport, '/plugin-core/jobs/templates')
    this.volumes = volumeCalls(transport)
    this.schedules = scheduleCalls(transport)
    this.webhooks = webhookCalls(transport)
    this.providers = providerCalls(transport)
    this.networks = networkCalls(transport)
    this.keys = keyCalls(transport)
    this.sshKeys = sshKeyCalls(transport)
    this.analytics = analyticsCalls(transport)
    this.session = sessionCalls(transport)
    this.audit = auditCalls(transport)
  }

  /** Whose key this is, and what it may do. */
  async me(options: CallOptions = {}): Promise<User> {
    return await this.#transport.data({ method: 'GET', path: '/users/me', ...options })
  }

  /** What the gateway measures, in the text form of Prometheus; for admins. */
  async metrics(options: CallOptions = {}): Promise<string> {
    return await (await this.#transport.open({ method: 'GET', path: '/metrics', ...options })).text()
  }

  /** How the gateway is; takes no key. */
  async health(options: CallOptions = {}): Promise<Health> {
    return await this.#transport.data({ method: 'GET', path: '/health', ...options })
  }

  /** How much this key may ask for, and how much of that is left. */
  async rateLimits(options: CallOptions = {}): Promise<RateLimits> {
    return await this.#transport.data({ method: 'GET', path: '/system/rate-limits', ...options })
  }

  /** Who the gateway is connected with, and how many bytes went each way; for admins. */
  async peers(options: CallOptions = {}): Promise<PeerTraffic[]> {
    return await this.#transport.data({ method: 'GET', path: '/system/peers', ...options })
  }

  /** Every job and provider event as it comes, resumed where the connection breaks; it has no end. */
  async *events(
    options: StreamOptions & { types?: readonly string[]; after?: string | undefined } = {},
  ): AsyncGenerator<GatewayEvent> {
    const { types, after: lastEventId, signal, onConnection } = options
    const request = { path: '/plugin-core/events', query: { types }, lastEventId, signal, onConnection }
    for await (const { id, data } of followEvents<Omit<GatewayEvent, 'id'>>(this.#transport, request, this.#streams)) {
      yield { ...data, id }
    }
  }
}

function scheduleCalls(transport: Transport) {
  const path = '/plugin-core/jobs/schedules'
  const act = async <T>(id: string, action: string, options: CallOptions): Promise<T> =>
    await transport.data({ method: 'POST', path: `${path}/${part(id)}/${action}`, ...options })
  return {
    ...crud<Schedule, NewSchedule, ScheduleChanges>(transport, path),
    /** Runs it now, besides its ticks. */
    run: async (id: string, options: CallOptions = {}): Promise<Job> => await act(id, 'run', options),
    pause: async (id: string, options: CallOptions = {}): Promise<Schedule> => await act(id, 'pause', options),
    resume: async (id: string, options: CallOptions = {}): Promise<Schedule> => await act(id, 'resume', options),
  }
}

/** Which providers of the directory; all of them without it. */
export interface ProviderQuery extends Paging {
  status?: Provider['status'] | readonly Provider['status'][]
}

/** Which of a provider’s metrics, how far back and how closely. */
export interface ProviderMetricsQuery {
  /** How far back. @default "24h" */
  period?: ProviderMetricsPeriod
  /** How far apart its points are. @default "5m" */
  resolution?: ProviderMetricsResolution
  /** Only these. @default all */
  metrics?: readonly (keyof ProviderMetrics)[]
}

function providerCalls(transport: Transport) {
  const path = '/plugin-core/providers'
  const list = async (query: ProviderQuery = {}, options: CallOptions = {}): Promise<Page<Provider>> =>
    await transport.page({ method: 'GET', path, query: { ...query }, ...options })
  return {
    list,
    all: (query: ProviderQuery = {}, options: CallOptions = {}): AsyncGenerator<Provider> =>
      everyItem((paging) => list({ ...query, ...paging }, options), query),
    get: async (id: string, options: CallOptions = {}): Promise<Provider> =>
      await transport.data({ method: 'GET', path: `${path}/${part(id)}`, ...options }),
    status: async (id: string, options: CallOptions = {}): Promise<ProviderStatus> =>
      await transport.data({ method: 'GET', path: `${path}/${part(id)}/status`, ...options }),
    /** Submits a job of some seconds that measures the machine; what it found is in the provider's `seen` when it has completed. */
    bench: async (
      id: string,
      settings: { image?: string; maxPrice?: number | string } = {},
      { idempotencyKey = newIdempotencyKey(), ...options }: SubmitOptions = {},
    ): Promise<Job> =>
      await transport.data({
        ...{ method: 'POST', path: `${path}/${part(id)}/bench`, json: settings, idempotencyKey },
        ...options,
      }),
    /** Adds one by its addresses, to be dialled. */
    add: async (provider: NewProvider, options: CallOptions = {}): Promise<Provider> =>
      await transport.data({ method: 'POST', path, json: provider, ...options }),
    update: async (id: string, changes: ProviderChanges, options: CallOptions = {}): Promise<Provider> =>
      await transport.data({ method: 'PUT', path: `${path}/${part(id)}`, json: changes, ...options }),
    /** Dials one that was added no more. */
    async delete(id: string, options: CallOptions = {}): Promise<void> {
      await transport.data({ method: 'DELETE', path: `${path}/${part(id)}`, ...options })
    },
    /** How near and how busy it was. */
    metrics: async (
      id: string,
      query: ProviderMetricsQuery = {},
      options: CallOptions = {},
    ): Promise<ProviderMetrics> =>
      await transport.data({ method: 'GET', path: `${path}/${part(id)}/metrics`, query: { ...query }, ...options }),
    /** What it asks, now and lately. */
    pricing: async (id: string, options: CallOptions = {}): Promise<ProviderPricing> =>
      await transport.data({ method: 'GET', path: `${path}/${part(id)}/pricing`, ...options }),
    /** Changes of its status and its prices, newest first. */
    history: async (id: string, options: CallOptions = {}): Promise<ProviderHistoryEntry[]> =>
      (
        await transport.data<{ history: ProviderHistoryEntry[] }>({
          method: 'GET',
          path: `${path}/${part(id)}/history`,
          ...options,
        })
      ).history,
    /** Jobs that it has or had last. */
    jobs: async (
      id: string,
      query: Omit<JobQuery, 'provider' | 'labels'> = {},
      options: CallOptions = {},
    ): Promise<Page<JobListItem>> =>
      await transport.page({ method: 'GET', path: `${path}/${part(id)}/jobs`, query: { ...query }, ...options }),
  }
}

function networkCalls(transport: Transport) {
  const path = '/plugin-core/networks'
  return {
    list: async (paging: Paging = {}, options: CallOptions = {}): Promise<Page<Network>> =>
      await transport.page({ method: 'GET', path, query: { ...paging }, ...options }),
    get: async (name: string, options: CallOptions = {}): Promise<Network> =>
      await transport.data({ method: 'GET', path: `${path}/${part(name)}`, ...options }),
  }
}

function keyCalls(transport: Transport) {
  const path = '/auth/keys'
  return {
    list: async (paging: Paging = {}, options: CallOptions = {}): Promise<Page<Key>> =>
      await transport.page({ method: 'GET', path, query: { ...paging }, ...options }),
    /** `key` is in this answer and never again. */
    create: async (key: NewKey, options: CallOptions = {}): Promise<Key & { key: string }> =>
      await transport.data({ method: 'POST', path, json: key, ...options }),
    /** @param options.withMade also the keys that it made, which else go on, and are in the answer */
    async revoke(id: string, options: CallOptions & { withMade?: boolean } = {}): Promise<RevokedKey> {
      const { withMade = false, ...call } = options
      const query = withMade ? { withMade: 'true' } : {}
      return await transport.data({ method: 'DELETE', path: `${path}/${part(id)}`, query, ...call })
    },
  }
}

function sshKeyCalls(transport: Transport) {
  const path = '/auth/ssh-keys'
  return {
    list: async (paging: Paging = {}, options: CallOptions = {}): Promise<Page<SshKey>> =>
      await transport.page({ method: 'GET', path, query: { ...paging }, ...options }),
    /** Opens jobs to whoever has its private half, as long as the key holds that adds it. */
    add: async (key: NewSshKey, options: CallOptions = {}): Promise<SshKey> =>
      await transport.data({ method: 'POST', path, json: key, isRepeatable: true, ...options }),
    /** Connections that it opened end at once. */
    async remove(id: string, options: CallOptions = {}): Promise<void> {
      await transport.data({ method: 'DELETE', path: `${path}/${part(id)}`, ...options })
    },
  }
}

/** Of which time, and by what, costs are added up. */
export interface CostQuery {
  /** Of jobs created in it, until `to`. @default "30d" */
  period?: CostPeriod | undefined
  /** Created at or after, in place of `period`. */
  from?: Date | string | undefined
  /** Created before. @default now */
  to?: Date | string | undefined
  /** @default "day" */
  groupBy?: 'day' | 'provider' | `label.${string}` | undefined
  /** In which zone days begin and end, by its IANA name. @default "UTC" */
  timezone?: string | undefined
}

function analyticsCalls(transport: Transport) {
  const path = '/plugin-core/analytics'
  return {
    /** What jobs and volumes cost, by group. */
    costs: async (query: CostQuery = {}, options: CallOptions = {}): Promise<Costs> =>
      await transport.data({ method: 'GET', path: `${path}/costs`, query: { ...query }, ...options }),
    /** What this month is expected to cost, and what that rests on. */
    forecast: async (query: Pick<CostQuery, 'timezone'> = {}, options: CallOptions = {}): Promise<CostForecast> =>
      await transport.data({ method: 'GET', path: `${path}/forecast`, query: { ...query }, ...options }),
  }
}
