import type { Server } from 'node:http'

/** How long requests under way may take to end when the server closes, in ms. */
const GRACE_MS = 5000

/** An address that cannot be listened on; the message says what to do. */
class ListenError extends Error {
  override readonly name = 'ListenError'
  readonly code = 'LISTEN_FAILED'
}

/** Opens a server, and closes it as soon as its last answer is out. */
export function createListener(server: Server) {
  let underWay = 0
  let idle = Promise.withResolvers<void>()
  idle.resolve()

  server.on('request', (_request, response) => {
    if (underWay === 0) idle = Promise.withResolvers()
    underWay += 1
    response.once('close', () => {
      underWay -= 1
      if (underWay === 0) idle.resolve()
    })
  })

  return {
    /** @throws {ListenError} */
    async listen(host: string, port: number): Promise<void> {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      server.once('error', reject)
      server.listen({ host, port }, resolve)
      try {
        await promise
      } catch (cause) {
        throw new ListenError(explain(cause as NodeJS.ErrnoException, host, port), { cause })
      } finally {
        server.off('error', reject)
      }
    },
    async close(): Promise<void> {
      const closed = Promise.withResolvers<void>()
      server.close(() => closed.resolve())
      const late = setTimeout(() => server.closeAllConnections(), GRACE_MS)
      // Connections that never asked anything do not count as idle for the server, so it is told to close all.
      await idle.promise
      server.closeAllConnections()
      await closed.promise
      clearTimeout(late)
    },
  }
}

function explain({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  return code === 'EADDRINUSE'
    ? `Port ${port} on ${host} is in use: stop the program that has it, or choose another with --port`
    : `Cannot listen on ${host} port ${port}: ${message}`
}
