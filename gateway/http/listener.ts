import { createServer, type Server } from 'node:net'
import { listenProblem } from '../../node/system-problem.ts'
import type { Connections } from './connections.ts'

/** How long requests under way may take to end when the server closes, in ms. */
const GRACE_MS = 5000

/** An address that cannot be listened on; the message says what to do. */
class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly code = 'LISTEN_FAILED'
}

/** Opens a server, and closes it as soon as its last answer is out; then every connection is gone. */
export function createListener(server: Server, connections: Pick<Connections, 'destroy' | 'idle' | 'retire'>) {
  return {
    /** @throws {ListenError} */
    async listen(host: string, port: number): Promise<void> {
      await listenOn(server, host, port)
    },
    async close(): Promise<void> {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      connections.retire()
      const late = setTimeout(connections.destroy, GRACE_MS)
      // The server knows only of those that speak HTTP, and it waits for all.
      await connections.idle()
      connections.destroy()
      await closed.promise
      clearTimeout(late)
    },
  }
}

/** Whether it can be listened there, before what takes longer is begun. @throws {ListenError} */
export async function assertListens(host: string, port: number, flag = '--port'): Promise<void> {
  const server = createServer()
  await listenOn(server, host, port, flag)
  await new Promise<void>((resolve) => server.close(() => resolve()))
}

/** @param flag which says the port @throws {ListenError} */
export async function listenOn(
  server: Pick<Server, 'listen' | 'off' | 'once'>,
  host: string,
  port: number,
  flag = '--port',
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port }, resolve)
  try {
    await promise
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const problem = listenProblem(code, { port: ` with ${flag}`, address: ' with --host' }) ?? message
    throw new ListenError(`Cannot listen on ${host} port ${port}: ${problem}`, { cause })
  } finally {
    server.off('error', reject)
  }
}
