import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below what systems give to connections and to whoever asks for port 0, so that nobody takes it before it is used. */
const FIRST = 10_000
const END = 30_000

/** A port of loopback on which nobody listens, for what has to be told one. @param row that many in a row are free, from it on */
export async function freePort(row = 1): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (END - FIRST - row))
    const servers = Array.from({ length: row }, () => createServer())
    try {
      await Promise.all(servers.map(async (server, i) => await once(server.listen(port + i, '127.0.0.1'), 'listening')))
      return port
    } catch {
      // Somebody’s: another one.
    } finally {
      for (const server of servers) server.close()
    }
  }
}
