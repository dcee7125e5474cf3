import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import Docker from 'dockerode'
import { createDockerEngine } from '../../../provider-agent/engine/docker.ts'
import type { ContainerEngine } from '../../../provider-agent/engine/index.ts'
import type { Gpu } from '../../../provider-agent/gpus/gpu.ts'

/** An HTTP server in an engine's place: for what a real engine cannot be made to say. */
export async function fakeEngine(
  t: TestContext,
  answers: Record<string, (response: ServerResponse, body: string) => void>,
  gpus?: Gpu[],
): Promise<{ engine: ContainerEngine; requests: { path: string; body: string }[] }> {
  const requests: { path: string; body: string }[] = []
  const defaults = {
    'GET /info': (response: ServerResponse) => response.end(JSON.stringify({ Architecture: 'x86_64' })),
    'GET /images/busybox:latest/json': (response: ServerResponse) => response.end(JSON.stringify({ Size: 1 })),
  }
  const onRequest = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request)
    const path = `${request.method} ${request.url}`
    requests.push({ path, body })
    const known: [string, (response: ServerResponse, body: string) => void][] = Object.entries({
      ...defaults,
      ...answers,
    })
    const answer = known.find(([start]) => path.startsWith(start))?.[1]
    if (answer) return answer(response, body)
    response.statusCode = 500
    response.end(JSON.stringify({ message: `not expected: ${path}` }))
  }
  const server = createServer((request, response) => void onRequest(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const docker = new Docker({ host: '127.0.0.1', protocol: 'http', port: (server.address() as AddressInfo).port })
  const components = gpus === undefined ? { docker } : { docker, gpus: async () => gpus }
  return { engine: createDockerEngine(components), requests }
}

export const json =
  (value: unknown, statusCode = 200) =>
  (response: ServerResponse) => {
    response.statusCode = statusCode
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(value))
  }
