import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { type DemoApi, openApi } from '../../scripts/demo/api.ts'
import { ensureEngine } from '../../scripts/engine.ts'
import { freePort } from '../../scripts/free-port.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { answers, type LocalNetwork, startLocalNetwork, startProgram } from '../../scripts/local-network.ts'
import { type OwnEngine, ownEngineProblem, startOwnEngine } from '../../test/faults/support/own-engine.ts'
import { registryObstacle, startRealRegistry } from '../../test/integration/support/real-registry.ts'

/** Agents with an engine each, a registry that all reach, and two gateways. */
export interface PlacementMarket extends AsyncDisposable {
  /** Names of the agents, the cheapest first. */
  agents: string[]
  idOf(agent: string): string
  /** Puts an image with so many MB of random bytes into the registry; answers its reference. */
  push(name: string, megabytes: number): Promise<string>
  /**
   * Runs a short job of an image under `performance`, and waits until its agent has removed it.
   *
   * @param gateway the one that asks the registry what an image is, or the one that may not. @default 'knowing'
   */
  start(image: string, changes?: object, gateway?: 'knowing' | 'unknowing'): Promise<{ agent: string; ms: number }>
}

const AGENTS = 4
const JOB = {
  ...{ command: ['sleep', '0.3'], network: 'none', providerStrategy: 'performance' },
  ...{ cpu: 500, memory: '64Mi', storage: '64Mi', duration: 60 },
}

/** @throws where a registry or engines of their own cannot be had */
export async function openPlacementMarket(): Promise<PlacementMarket> {
  const problem = (await ownEngineProblem()) ?? (await registryObstacle())
  if (problem !== null) throw new Error(problem)
  await using stack = new AsyncDisposableStack()
  const shared = await ensureEngine()
  stack.defer(async () => await shared.stop())
  const maker = new Docker({ socketPath: shared.socketPath })
  const base = await ensureBusyboxImage(maker)
  const registry = await startRealRegistry()
  stack.defer(async () => await registry.close())
  const allowing = ['--allow-registry', registry.host]

  const engines: OwnEngine[] = []
  for (let i = 0; i < AGENTS; i += 1) engines.push(stack.use(await startOwnEngine()))
  const network = await startLocalNetwork({
    dockerHost: '',
    agents: engines.map(({ host }, i) => ({
      name: `agent-${i + 1}`,
      flags: ['--docker-host', host, '--price-cpu', `0.01${i}`, '--sandboxes', '0', '--image-room', '1Gi', ...allowing],
    })),
    gatewayFlags: ['--rate-limit', '0', ...allowing],
  })
  stack.defer(async () => await network.stop())
  const unknowing = await secondGateway(network, stack)
  const gateways = { knowing: openApi(network.url, network.key), unknowing }
  for (const api of Object.values(gateways)) await allOnline(api)
  const found = await gateways.knowing.providers()
  const all = stack.move()

  async function left(): Promise<number> {
    const lists = await Promise.all(engines.map(({ docker }) => docker.listContainers({ all: true })))
    return lists.flat().length
  }

  return {
    agents: found.toSorted((a, b) => a.price - b.price).map(({ name }) => name),
    idOf: (agent) => found.find(({ name }) => name === agent)?.id ?? '',
    async push(name, megabytes) {
      const image = `cortex/placement-${name}:1`
      const script = `head -c ${megabytes * 1_000_000} /dev/urandom > /random`
      const container = await maker.createContainer({
        ...{ Image: base, Cmd: ['sh', '-c', script] },
        HostConfig: { NetworkMode: 'none' },
      })
      await container.start()
      await container.wait()
      const [repo, tag] = image.split(':')
      await container.commit({ repo, tag })
      await container.remove()
      try {
        return await registry.push(maker, image, `placement/${name}`)
      } finally {
        await maker.getImage(image).remove()
      }
    },
    async start(image, changes = {}, gateway = 'knowing') {
      const api = gateways[gateway]
      const begin = performance.now()
      const { id } = await api.submit({ image, ...JOB, ...changes })
      let ms = 0
      await api.events(id, ({ type }) => {
        if (type === 'started') ms = performance.now() - begin
      })
      const { assignedProvider, error } = await api.job(id)
      if (error !== null || ms === 0) throw new Error(`${image}: ${error?.message ?? 'it never ran'}`)
      while ((await left()) > 0) await delay(50)
      return { agent: found.find(({ id: provider }) => provider === assignedProvider)?.name ?? '', ms }
    },
    [Symbol.asyncDispose]: async () => await all.disposeAsync(),
  }
}

/** One of the same network that may not ask the registry. */
async function secondGateway({ folder, peer }: LocalNetwork, stack: AsyncDisposableStack): Promise<DemoApi> {
  const data = join(folder, 'second')
  const port = await freePort()
  const flags = ['--data', data, '--port', String(port), '--rate-limit', '0', '--log-level', 'warn']
  const joining = ['--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns', '--bootstrap', peer]
  const gateway = startProgram('second', join(folder, 'second.log'), ['gateway', ...flags, ...joining])
  stack.defer(async () => void (await gateway.end()))
  const url = `http://127.0.0.1:${port}`
  await answers(`${url}/api/health`, [gateway])
  return openApi(url, (await readFile(join(data, 'gateway', 'admin.key'), 'utf8')).trim())
}

async function allOnline(api: DemoApi): Promise<void> {
  while ((await api.providers()).length < AGENTS) await delay(100)
}
