import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { prepareSocketFolder, socketPath } from '../../node/control/socket.ts'
import type { Logger } from '../../node/logger.ts'

/** What {@link startControl} works with. */
export interface ControlComponents {
  logger: Logger
  /** A backup, as it is made. */
  backup(withFiles: boolean): Promise<Readable>
}

/**
 * Answers the commands of the gateway's owner over HTTP on a unix socket of mode 0600: `GET /backup?files=1`. The gateway of
 * this data folder runs in this process: a socket that is there already is what a killed one left. As the agent's, see
 * docs/decisions/0017-the-owners-socket.md.
 */
export async function startControl(
  { logger, backup }: ControlComponents,
  dataFolder: string,
): Promise<{ stop(): Promise<void> }> {
  async function answer(call: string, response: ServerResponse): Promise<void> {
    const [method = '', path = ''] = call.split(' ')
    const { pathname, searchParams } = new URL(path, 'http://gateway')
    if (method !== 'GET' || pathname !== '/backup') {
      return refuse(response, 404, `There is no ${method} ${pathname} here`)
    }
    try {
      await pipeline(await backup(searchParams.get('files') === '1'), response)
    } catch (error) {
      logger.error({ error: String(error) }, 'a command failed')
      // Whoever reads it is to see that it is not whole.
      if (response.headersSent) response.destroy()
      else refuse(response, 500, 'The gateway could not do it; its log says why')
    }
  }

  await prepareSocketFolder(dataFolder)
  const { path, release } = await socketPath(dataFolder, 'gateway')
  await rm(path, { force: true })
  const server = createServer((request, response) => {
    request.resume()
    void answer(`${request.method} ${request.url}`, response)
  })
  server.listen(path)
  await once(server, 'listening')
  await chmod(path, 0o600)
  return {
    async stop() {
      server.close()
      server.closeAllConnections()
      await rm(path, { force: true })
      await release()
    },
  }
}

function refuse(response: ServerResponse, status: number, error: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
}
