import pRetry from 'p-retry'
import { ConnectionError, CortexError, errorOf } from './errors.ts'
import type { Pagination } from './types.ts'

/** How requests reach a gateway, and when they are sent once more. */
export interface TransportInit {
  /** Where the gateway is, e.g. `http://localhost:13000`; with or without `/api` or `/api/v1`. */
  baseUrl: string
  /** Sent as `Authorization: Bearer`. Without it a browser's session cookie counts. */
  apiKey?: string
  /** How often a request is repeated where that is safe. @default 4 */
  retries?: number
  /** Wait before the first repetition in ms, doubled for each further one; a longer `Retry-After` outweighs it. @default 250 */
  retryDelayMs?: number
  /** The longest `Retry-After` that is waited for, in ms; beyond it the error is thrown at once. @default 60_000 */
  maxRetryAfterMs?: number
  /** How long one attempt may take until its answer is read, in ms. @default 30_000 */
  timeoutMs?: number
  /** What sends requests. @default the global one */
  fetch?: typeof fetch
}

/** A parameter of a query: a date goes as ISO 8601, a list comma-separated, and undefined not at all. */
export type QueryValue = string | number | boolean | Date | readonly (string | number)[] | undefined

/** One request to the API. */
export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the base, already encoded. */
  path: string
  query?: Record<string, QueryValue>
  json?: unknown
  /** Instead of `json`. */
  form?: FormData
  /** Instead of either, as it is; a stream only by `open`. */
  body?: NonNullable<RequestInit['body']>
  headers?: Record<string, string>
  /** Sent with every attempt, so that a submission may be repeated. */
  idempotencyKey?: string | undefined
  /** Whether doing it twice does no harm, where neither the method nor a key says so. @default false */
  isRepeatable?: boolean
  signal?: AbortSignal | undefined
  /** @default that of the client */
  timeoutMs?: number
}

/** One page of a list; `pagination.nextCursor` leads to the next. */
export interface Page<T> {
  items: T[]
  pagination: Pagination
}

/** Sends requests: repeats them where that is safe, and makes typed errors of answers that are no success. */
export interface Transport {
  /** `data` of the answer. @throws {CortexError} */
  data<T>(request: ApiRequest): Promise<T>
  /** @throws {CortexError} */
  page<T>(request: ApiRequest): Promise<Page<T>>
  /** The answer itself once its head is there; sent once. @throws {CortexError} */
  open(request: ApiRequest): Promise<Response>
  /** Where something else than a request is opened, and the headers that let it in. */
  address(to: Pick<ApiRequest, 'path' | 'query'>): { url: string; headers: Record<string, string> }
}

interface Envelope<T> {
  data: T
  meta?: { pagination: Pagination }
}

/** Opens no connection by itself. @throws {TypeError} where `baseUrl` is no URL of http or https */
export function createTransport(init: TransportInit): Transport {
  const base = baseOf(init.baseUrl)
  const { apiKey, retries = 4, retryDelayMs = 250, maxRetryAfterMs = 60_000, timeoutMs = 30_000 } = init
  const send = init.fetch ?? fetch

  /** @param signal ends the whole exchange, the body included */
  async function open(request: ApiRequest, signal = request.signal): Promise<Response> {
    let response: Response
    try {
      response = await send(urlOf(base, request), {
        method: request.method,
        headers: headersOf(request, apiKey),
        ...(request.json === undefined ? {} : { body: JSON.stringify(request.json) }),
        ...(request.form === undefined ? {} : { body: request.form }),
        // Of a stream, that the answer comes behind it has to be said.
        ...(request.body === undefined ? {} : { body: request.body, duplex: 'half' }),
        ...(signal === undefined ? {} : { signal }),
      })
    } catch (cause) {
      request.signal?.throwIfAborted()
      throw connectionError(base, cause)
    }
    if (!response.ok) throw await errorOf(response)
    return response
  }

  async function once<T>(request: ApiRequest): Promise<Envelope<T>> {
    const timeout = AbortSignal.timeout(request.timeoutMs ?? timeoutMs)
    const signal = request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout])
    const response = await open(request, signal)
    try {
      return (await response.json()) as Envelope<T>
    } catch (cause) {
      request.signal?.throwIfAborted()
      if (!(cause instanceof SyntaxError)) throw connectionError(base, cause)
      const message = `What answers at ${base} is no Cortex gateway: check the address`
      throw new CortexError({ code: 'UNEXPECTED_ANSWER', message, status: response.status, cause })
    }
  }

  async function envelope<T>(request: ApiRequest): Promise<Envelope<T>> {
    return await pRetry(async () => await once<T>(request), {
      retries,
      minTimeout: retryDelayMs,
      maxTimeout: maxRetryAfterMs,
      randomize: true,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
      shouldRetry: ({ error }) => mayRepeat(request, error, maxRetryAfterMs),
      async onFailedAttempt({ error, retriesLeft, retryDelay }) {
        if (retriesLeft === 0 || !(error instanceof CortexError) || !mayRepeat(request, error, maxRetryAfterMs)) return
        await wait((error.retryAfterMs ?? 0) - retryDelay, request.signal)
      },
    })
  }

  return {
    open,
    address: ({ path, query = {} }) => ({
      url: urlOf(base, { method: 'GET', path, query }).href,
      headers: apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` },
    }),
    data: async <T>(request: ApiRequest) => (await envelope<T>(request)).data,
    async page<T>(request: ApiRequest) {
      const { data, meta } = await envelope<T[]>(request)
      const alone = { total: data.length, page: 1, limit: data.length, pages: 1, nextCursor: null }
      return { items: data, pagination: meta?.pagination ?? alone }
    },
  }
}

/**
 * Whether sending it once more does no harm and may help. A request that was turned away (429, or 503 with a time to
 * come back) was not carried out; one without an answer may have been, so only what may be done twice is repeated.
 */
function mayRepeat(request: ApiRequest, error: Error, maxRetryAfterMs: number): boolean {
  if (!(error instanceof CortexError)) return false
  const { status, retryAfterMs = 0, code } = error
  if (retryAfterMs > maxRetryAfterMs) return false
  if (status === 429 || (status === 503 && error.retryAfterMs !== undefined)) return true
  const { method, idempotencyKey, isRepeatable = false } = request
  const harmless =
    method === 'GET' || method === 'PUT' || method === 'PATCH' || idempotencyKey !== undefined || isRepeatable
  const passing = error instanceof ConnectionError || status === 502 || status === 504
  return harmless && (passing || (status === 503 && code === 'UNEXPECTED_ANSWER'))
}

/** Resolves after some time, and at once where it is none. @throws the signal's reason */
export async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  if (ms <= 0) return
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(done, ms)
    function done(): void {
      signal?.removeEventListener('abort', aborted)
      resolve()
    }
    function aborted(): void {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', aborted, { once: true })
  })
}

function baseOf(baseUrl: string): string {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new TypeError(`baseUrl must be a URL such as http://localhost:13000; ${baseUrl} is none`)
  }
  const path = url.pathname.replace(/\/+$/, '')
  return `${url.origin}${/\/api(?:\/v\d+)?$/.test(path) ? path : `${path}/api/v1`}`
}

function urlOf(base: string, { path, query = {} }: ApiRequest): URL {
  const url = new URL(base + path)
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value instanceof Date ? value.toISOString() : String(value))
  }
  return url
}

function headersOf(request: ApiRequest, apiKey: string | undefined): Record<string, string> {
  const { json, idempotencyKey, headers } = request
  return {
    Accept: 'application/json',
    ...(apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` }),
    ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
    ...headers,
  }
}

function connectionError(base: string, cause: unknown): ConnectionError {
  const { origin } = new URL(base)
  if (cause instanceof Error && cause.name === 'TimeoutError') {
    return new ConnectionError({ code: 'TIMED_OUT', message: `${origin} did not answer in time: try again`, cause })
  }
  const reason = reasonOf(cause)
  const why = reason === '' ? '' : ` (${reason})`
  const message = `Cannot reach a gateway at ${origin}${why}: check that it runs and the address`
  return new ConnectionError({ code: 'CONNECTION_FAILED', message, cause })
}

/** What the system says, where the runtime passes it on, e.g. `ECONNREFUSED`. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
}
