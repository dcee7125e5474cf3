import type { ApiRequest, Page, Transport } from './transport.ts'
import type { Paging } from './types.ts'

/** What every call takes. */
export interface CallOptions {
  signal?: AbortSignal | undefined
}

/** What everything takes that follows a stream. */
export interface StreamOptions extends CallOptions {
  /** Told when the stream opens and each time it breaks; it is opened again by itself. */
  onConnection?: ((state: 'open' | 'broken') => void) | undefined
}

/** What a submission takes besides. */
export interface SubmitOptions extends CallOptions {
  /** Your own, where the program itself may be started again; else one is made, and kept over repetitions. */
  idempotencyKey?: string | undefined
}

/** An id as a part of a path. */
export function part(id: string): string {
  return encodeURIComponent(id)
}

/** Where the API has jobs. */
export const JOBS = '/plugin-core/jobs'

/** The path of a job. @param rest behind it, e.g. `/events` */
export function jobPath(id: string, rest = ''): string {
  return `${JOBS}/${part(id)}${rest}`
}

/** Random text that nobody else has; also in pages without a secure context. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Every object of a list, page after page by cursor, so that none is told twice however long it takes. */
export async function* everyItem<T>(list: (paging: Paging) => Promise<Page<T>>, paging: Paging): AsyncGenerator<T> {
  let { page, limit = 100, cursor } = paging
  for (;;) {
    const { items, pagination } = await list({
      limit,
      ...(page === undefined ? {} : { page }),
      ...(cursor === undefined ? {} : { cursor }),
    })
    yield* items
    if (pagination.nextCursor === null) return
    page = undefined
    cursor = pagination.nextCursor
  }
}

/** The calls that templates, schedules and webhooks share. */
export function crud<T, New, Changes>(transport: Transport, path: string) {
  const list = async (paging: Paging = {}, options: CallOptions = {}): Promise<Page<T>> =>
    await transport.page({ method: 'GET', path, query: { ...paging }, ...options })
  const one = async (method: ApiRequest['method'], id: string, options: CallOptions, json?: unknown): Promise<T> =>
    await transport.data({ method, path: `${path}/${part(id)}`, ...(json === undefined ? {} : { json }), ...options })
  return {
    list,
    all: (paging: Paging = {}, options: CallOptions = {}): AsyncGenerator<T> =>
      everyItem((next) => list(next, options), paging),
    create: async (body: New, options: CallOptions = {}): Promise<T> =>
      await transport.data({ method: 'POST', path, json: body, ...options }),
    get: async (id: string, options: CallOptions = {}): Promise<T> => await one('GET', id, options),
    update: async (id: string, changes: Changes, options: CallOptions = {}): Promise<T> =>
      await one('PUT', id, options, changes),
    async delete(id: string, options: CallOptions = {}): Promise<void> {
      await one('DELETE', id, options)
    },
  }
}
