import type { StreamInit } from './event-stream.ts'
import { type ExecOutput, execStream } from './exec.ts'
import { jobFileCalls, rangeOf, unpacked } from './job-files.ts'
import { type CallOptions, jobPath } from './resource.ts'
import type { Transport } from './transport.ts'
import type { Container, ExecResult, ExecSocket, NewExec, PortLink } from './types.ts'

/** What of an output is fetched. */
export interface OutputOptions extends CallOptions {
  /** As its entry in the tar is called. @default all, as a tar */
  path?: string
  /** One of several outputs, as a tar; not beside `path`. @default all of them */
  name?: string
  /** @default 0 */
  offset?: number
  /** At least 1. @default all there are */
  length?: number
}

/** The part of `client.jobs` that reaches into a container, and to what it left. */
export function jobReachCalls(transport: Transport, streams: StreamInit) {
  return {
    files: jobFileCalls(transport),
    /** Runs a command in the running container to its end. */
    exec: async (
      id: string,
      command: readonly string[],
      { timeout, ...options }: CallOptions & { timeout?: number } = {},
    ): Promise<ExecResult> => {
      const timeoutMs = ((timeout ?? 60) + 30) * 1000
      return await transport.data({
        ...{ method: 'POST', path: jobPath(id, '/exec'), json: { command, timeout }, timeoutMs },
        ...options,
      })
    },
    /** Runs a command, and tells what it writes as it comes, `exit` last; leaving the loop lets go of it. */
    execStream: (id: string, command: readonly string[], options: CallOptions = {}): AsyncGenerator<ExecOutput> =>
      execStream(transport, id, command, options, streams),
    /** The address of a WebSocket to a command that runs; it opens once. The API's document says what goes over it. */
    openExec: async (id: string, request: NewExec, options: CallOptions = {}): Promise<ExecSocket> =>
      await transport.data({
        method: 'POST',
        path: jobPath(id, '/exec'),
        json: { ...request, interactive: true },
        ...options,
      }),
    /** What the running container is doing. */
    container: async (id: string, options: CallOptions = {}): Promise<Container> =>
      await transport.data({ method: 'GET', path: jobPath(id, '/container'), ...options }),
    /** A link that opens an exposed port in a browser, once and within a minute. */
    link: async (id: string, port: number, options: CallOptions & { path?: string } = {}): Promise<PortLink> => {
      const { path, ...rest } = options
      // One that nobody opens is worth nothing a minute later.
      const request = { method: 'POST', path: jobPath(id, '/links'), json: { port, path }, isRepeatable: true } as const
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
        path: jobPath(id, `/tunnel/${to.port}`),
        query: { protocol: to.protocol },
      })
      return connect(url.replace(/^http/, 'ws'), headers)
    },
    /**
     * Connections to exposed ports over TCP, one after the other over one WebSocket. The text of a port begins one; then as
     * over `openTunnel`. Once both sides have said `end`, and all that was sent went on, the text `over` says that the next
     * may begin. Where one fails, the text `{"error":{"message":"…"}}` says why, and the socket closes. An older gateway
     * answers 400.
     * @param connect makes the socket, e.g. of the package `ws`
     */
    openTunnels: <T>(id: string, connect: (url: string, headers: Record<string, string>) => T): T => {
      const { url, headers } = transport.address({ path: jobPath(id, '/tunnel/ahead') })
      return connect(url.replace(/^http/, 'ws'), headers)
    },
    /**
     * A session of SFTP in the running container as a WebSocket: binary messages are pieces of the stream, the text `end`
     * ends one direction. For programs, as `openTunnel` is.
     * @param connect makes the socket, e.g. of the package `ws`
     */
    openSftp: <T>(id: string, connect: (url: string, headers: Record<string, string>) => T): T => {
      const { url, headers } = transport.address({ path: jobPath(id, '/sftp') })
      return connect(url.replace(/^http/, 'ws'), headers)
    },
    /**
     * The kept output, a tar stream: no more bytes than were sent. With `path`, as an entry of it is called, the bytes of
     * that file alone, from `offset` on and at most `length` of them.
     * @throws {CortexError} where it comes packed
     */
    output: async (id: string, options: OutputOptions = {}): Promise<ReadableStream<Uint8Array>> => {
      const { path, name, offset = 0, length, ...rest } = options
      const headers = { Accept: '*/*', 'Accept-Encoding': 'identity', ...rangeOf(offset, length) }
      const request = { method: 'GET', path: jobPath(id, '/output'), query: { path, name }, headers } as const
      return await unpacked(await transport.open({ ...request, ...rest }))
    },
  }
}
