import { CortexError } from './errors.ts'
import { type CallOptions, jobPath } from './resource.ts'
import type { Transport } from './transport.ts'
import type { ContainerFile, ContainerFiles, RemovedFile, WrittenFiles } from './types.ts'

const TAR = 'application/x-tar'

/** What is written: whatever `fetch` sends, e.g. bytes, text, a `File`, or in Node a stream. */
export type FileContent = NonNullable<RequestInit['body']>

/** `client.jobs.files`: those of a running job's container. Paths are absolute; links are followed. */
export function jobFileCalls(transport: Transport) {
  const path = (id: string): string => jobPath(id, '/files')
  return {
    ...fileCalls(transport, path),
    /** @param recursive whether a folder goes with all that is in it. @default false */
    remove: async (
      id: string,
      at: string,
      { recursive, ...options }: CallOptions & { recursive?: boolean } = {},
    ): Promise<RemovedFile> =>
      await transport.data({ method: 'DELETE', path: path(id), query: { path: at, recursive }, ...options }),
  }
}

/** What files in a container and files in a volume have in common. @param path of the API, by the id of what they are in */
export function fileCalls(transport: Transport, path: (id: string) => string) {
  /** What is at a path, and of a folder its first 1000 entries; `nextCursor` leads to more. */
  const list = async (
    id: string,
    at: string,
    { max, cursor, ...options }: CallOptions & { max?: number; cursor?: string } = {},
  ): Promise<ContainerFiles> =>
    await transport.data({ method: 'GET', path: path(id), query: { path: at, as: 'json', max, cursor }, ...options })

  const open = async (
    id: string,
    query: Record<string, string>,
    headers: Record<string, string>,
    options: CallOptions,
  ) =>
    await unpacked(
      await transport.open({
        ...{ method: 'GET', path: path(id), query },
        headers: { 'Accept-Encoding': 'identity', ...headers },
        ...options,
      }),
    )

  const put = async (
    id: string,
    query: Record<string, string | undefined>,
    body: FileContent,
    type: string,
    options: CallOptions,
  ): Promise<WrittenFiles> => {
    const request = { method: 'PUT', path: path(id), query, body, headers: { 'Content-Type': type } } as const
    const answer = await transport.open({ ...request, ...options })
    return ((await answer.json()) as { data: WrittenFiles }).data
  }

  return {
    list,
    /** Every entry of a folder, page after page. */
    async *all(id: string, at: string, options: CallOptions = {}): AsyncGenerator<ContainerFile> {
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page = await list(id, at, { ...options, ...(cursor === undefined ? {} : { cursor }) })
        yield* page.entries ?? []
        cursor = page.nextCursor
      }
    },
    /** The bytes of a file, from `offset` on and at most `length` of them, at least 1. */
    read: async (
      id: string,
      at: string,
      { offset = 0, length, ...options }: CallOptions & { offset?: number; length?: number } = {},
    ): Promise<ReadableStream<Uint8Array>> => {
      return await open(id, { path: at }, { Accept: '*/*', ...rangeOf(offset, length) }, options)
    },
    /** Whatever is there as a tar stream, whose entries begin with the last part of the path. Look before you unpack it. */
    readTar: async (id: string, at: string, options: CallOptions = {}): Promise<ReadableStream<Uint8Array>> =>
      await open(id, { path: at, as: 'tar' }, { Accept: TAR }, options),
    /**
     * Writes a file, in folders that are made where they are missing; sent once.
     * @param mode permission bits, e.g. 0o755. @default those that the file has, or 0o644
     */
    write: async (
      id: string,
      at: string,
      content: FileContent,
      { mode, ...options }: CallOptions & { mode?: number } = {},
    ): Promise<WrittenFiles> => {
      const query = { path: at, mode: mode?.toString(8).padStart(4, '0') }
      return await put(id, query, content, 'application/octet-stream', options)
    },
    /** Unpacks a tar in a folder; sent once. */
    writeTar: async (id: string, at: string, tar: FileContent, options: CallOptions = {}): Promise<WrittenFiles> =>
      await put(id, { path: at }, tar, TAR, options),
  }
}

/** What a job left or has, as it was sent. @throws {CortexError} where it comes packed */
export async function unpacked(answer: Response): Promise<ReadableStream<Uint8Array>> {
  const { body } = answer
  // Whatever fetches unpacks it unasked, and a little may become more than any disk holds.
  if (/[^\s,]/.test((answer.headers.get('content-encoding') ?? '').replace(/identity/gi, ''))) {
    await body?.cancel()
    const message = 'What was asked for comes packed: it is to be sent as it is'
    throw new CortexError({ code: 'UNEXPECTED_ANSWER', message, status: answer.status })
  }
  return body ?? new ReadableStream({ start: (controller) => controller.close() })
}

/** The header that asks for a part; none for the whole. */
export function rangeOf(offset: number, length: number | undefined): Record<string, string> {
  if (offset === 0 && length === undefined) return {}
  return { Range: `bytes=${offset}-${length === undefined ? '' : offset + length - 1}` }
}
