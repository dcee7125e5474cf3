import { createServer, type ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Control, listenOnSocket } from '../../node/control/listen.ts'
import type { Logger } from '../../node/logger.ts'

/** What {@link startControl} works with. */
export interface ControlComponents {
  logger: Logger
  /** A backup, as it is made. */
  backup(withFiles: boolean): Promise<Readable>
}

/**
 * Answers the commands of the gateway's owner over HTTP on a unix socket: `GET /backup?files=1`. As the agent's, see
 * docs/decisions/0017-the-owners-socket.md.
 */
export async function startControl({ logger, backup }: ControlComponents, dataFolder: string): Promise<Control> {
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

  const server = createServer((request, response) => {
    request.resume()
    void answer(`${request.method} ${request.url}`, response)
  })
  return await listenOnSocket(server, dataFolder, 'gateway')
}

function refuse(response: ServerResponse, status: number, error: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }))
}
