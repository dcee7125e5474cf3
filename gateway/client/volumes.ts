import { fileCalls } from './job-files.ts'
import { type CallOptions, everyItem, part } from './resource.ts'
import type { Page, Transport } from './transport.ts'
import type { Paging, Volume, VolumeReceipt } from './types.ts'

/** Which volumes; all of them without it. */
export interface VolumeQuery extends Paging {
  status?: Volume['status'] | readonly Volume['status'][]
  /** Peer id of where they lie. */
  provider?: string
}

/** Volumes that outlive the jobs that left them. */
export function volumeCalls(transport: Transport) {
  const path = '/plugin-core/volumes'
  const list = async (query: VolumeQuery = {}, options: CallOptions = {}): Promise<Page<Volume>> =>
    await transport.page({ method: 'GET', path, query: { ...query }, ...options })
  const one = async (method: 'GET' | 'PATCH' | 'DELETE', id: string, options: CallOptions, json?: unknown) =>
    await transport.data<Volume>({
      ...{ method, path: `${path}/${part(id)}`, ...options },
      ...(json === undefined ? {} : { json }),
    })
  const receipts = async (id: string, query: Paging = {}, options: CallOptions = {}): Promise<Page<VolumeReceipt>> =>
    await transport.page({ method: 'GET', path: `${path}/${part(id)}/receipts`, query: { ...query }, ...options })
  return {
    /** As their providers told of them last, newest first. */
    list,
    all: (query: VolumeQuery = {}, options: CallOptions = {}): AsyncGenerator<Volume> =>
      everyItem((paging) => list({ ...query, ...paging }, options), query),
    /** As its provider tells of it now, where that answers within some seconds. */
    get: async (id: string, options: CallOptions = {}): Promise<Volume> => await one('GET', id, options),
    /** What both sides signed of what keeping it costs, the first one first. */
    receipts,
    allReceipts: (id: string, options: CallOptions = {}): AsyncGenerator<VolumeReceipt> =>
      everyItem((paging) => receipts(id, paging, options), {}),
    /** @param keep seconds that it is kept after its last use, from now on */
    extend: async (id: string, keep: number, options: CallOptions = {}): Promise<Volume> =>
      await one('PATCH', id, options, { keep }),
    /** What is in it, whether a job has it or not. Paths are within the volume: `/` is all of it. */
    files: fileCalls(transport, (id) => `${path}/${part(id)}/content`),
    /** With what is in it: at once, or once its provider is back; the answer's `status` says which. */
    delete: async (id: string, options: CallOptions = {}): Promise<Volume> => await one('DELETE', id, options),
  }
}
