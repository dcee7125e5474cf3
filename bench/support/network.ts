import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { openApi } from '../../scripts/demo/api.ts'
import { type EngineHandle, ensureEngine } from '../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { startLocalNetwork } from '../../scripts/local-network.ts'

/**
 * An engine, an image and a network of processes for a benchmark; disposing stops what it started.
 *
 * @param how `startEngine` @default the machine's, or a private one; `gatewayFlags` besides no limit of requests
 */
export async function benchNetwork(
  agents: number,
  flags: string[],
  how: { startEngine?: () => Promise<EngineHandle>; gatewayFlags?: string[] } = {},
) {
  const { startEngine = ensureEngine, gatewayFlags = [] } = how
  await using stack = new AsyncDisposableStack()
  const engine = await startEngine()
  stack.defer(async () => await engine.stop())
  const docker = new Docker({ socketPath: engine.socketPath })
  const image = await ensureBusyboxImage(docker)
  const network = await startLocalNetwork({
    dockerHost: `unix://${engine.socketPath}`,
    agents: Array.from({ length: agents }, (_, i) => ({
      name: `agent-${i + 1}`,
      flags: ['--price-cpu', `0.01${i}`, ...flags],
    })),
    gatewayFlags: ['--rate-limit', '0', ...gatewayFlags],
  })
  stack.defer(async () => await network.stop())
  const api = openApi(network.url, network.key)
  while ((await api.providers()).length < agents) {
    const gone = network.processes.find(({ running }) => !running)
    if (gone !== undefined) throw new Error(`${gone.name} ended before it was ready:\n${gone.output()}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const all = stack.move()
  return {
    docker,
    dockerHost: `unix://${engine.socketPath}`,
    image,
    api,
    peer: network.peer,
    url: network.url,
    key: network.key,
    /** The gateway first, then the agents. */
    processes: network.processes,
    /** The gateway's, then the agents'. */
    pids: network.processes.map(({ pid }) => pid),
    folder: network.folder,
    [Symbol.asyncDispose]: async () => await all.disposeAsync(),
  }
}
