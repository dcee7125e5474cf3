/** A market on loopback: a client node and sellers on the real engine, in this process, each a peer of its own. */

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { type ClientNodeInit, startClientNode } from '../../../node/client-node.ts'
import { type Clock, systemClock } from '../../../node/clock.ts'
import { loadIdentity } from '../../../node/identity.ts'
import type { ClientNode } from '../../../node/index.ts'
import { silentLogger } from '../../../node/logger.ts'
import type { FollowerTimes } from '../../../node/market/leases/lease-follower.ts'
import type { PeerNetwork } from '../../../node/network/index.ts'
import { createLibp2pNetwork, type Libp2pNetwork } from '../../../node/network/libp2p-network.ts'
import type { JobRecord } from '../../../node/store/index.ts'
import { type JobSubmission, jobSubmissionSchema } from '../../../protocol/job-spec.ts'
import { isTerminal } from '../../../protocol/lifecycle.ts'
import { parseUsd } from '../../../protocol/money.ts'
import { Protocol } from '../../../protocol/topics.ts'
import { GIB, type Resources } from '../../../protocol/units.ts'
import { type Agent, type AgentComponents, createAgent } from '../../../provider-agent/agent.ts'
import { createContainerAccess } from '../../../provider-agent/engine/access.ts'
import { createDockerEngine, type DockerEngineInit } from '../../../provider-agent/engine/docker.ts'
import type { ContainerEngine, Privileges } from '../../../provider-agent/engine/index.ts'
import { createInputVolumes, inputLabel } from '../../../provider-agent/engine/input-volumes.ts'
import { createVolumeAccess } from '../../../provider-agent/engine/volume-access.ts'
import { createFirewall } from '../../../provider-agent/isolation/firewall.ts'
import type { Wall } from '../../../provider-agent/isolation/walls.ts'
import type { AgentInit } from '../../../provider-agent/options.ts'
import { DEFAULT_PRICES } from '../../../provider-agent/prices/default-prices.ts'
import { ensureEngine } from '../../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../../scripts/image.ts'
import { until } from '../../support/until.ts'
import { withoutOthers } from './without-others.ts'

const LOOPBACK = ['/ip4/127.0.0.1/tcp/0']

export interface TestMarket {
  /** Name of the network, this market's alone. */
  readonly network: string
  readonly docker: Docker
  readonly socketPath: string
  readonly image: string
  readonly node: ClientNode
  readonly sellers: Seller[]
  /** Where processes find this market. */
  readonly bootstrap: string[]
  /** A folder of this market's own. */
  readonly folder: string
  /** Starts a seller, and waits until the client node knows it. */
  addSeller(init?: SellerInit): Promise<Seller>
  /** A small job that runs a script; without network, which makes it quick. */
  job(script: string, changes?: Partial<JobSubmission>): JobSubmission
  submit(submission: JobSubmission): Promise<JobRecord>
  /** Submits a job that runs a script, and follows it to its end. */
  run(script: string, changes?: Partial<JobSubmission>): Promise<JobRecord>
  /** Resolves once the job is as asked for. */
  when(id: string, is: (job: JobRecord) => boolean): Promise<JobRecord>
  ended(id: string): Promise<JobRecord>
  /** Containers and networks of this market's sellers that the engine still has. */
  left(): Promise<string[]>
  /** Called in reverse order when the market closes. */
  defer(end: () => Promise<void>): void
  close(): Promise<void>
}

export interface SellerInit {
  name?: string
  /** US dollars per core-hour. @default "0.01" */
  price?: string
  caps?: Partial<Resources>
  privileges?: Privileges
  /** Behind a firewall, ports that jobs want public are published here. @default there is neither */
  publicAddress?: string
  agent?: Partial<AgentInit>
  /** Read at each pull. @default [] */
  allowRegistries?: string[]
  /** How long registries are waited for. @default the program's own */
  pullTimes?: DockerEngineInit['pullTimes']
  /** Where its containers are. @default the market's engine */
  docker?: Docker
  /** Stands before its engine. @default nothing does */
  around?: (engine: ContainerEngine) => ContainerEngine
  /** Classes of isolation that it sells, the default first. @default containers alone */
  walls?: [Wall, ...Wall[]]
  /** Its machine's. @default the system's */
  clock?: Clock
  /** What it takes its machine for. @default what that is */
  inspect?: AgentComponents['inspect']
  /** Called when an award arrives, before the agent reads it. */
  onAward?: (seller: Seller) => void
}

export interface Seller {
  readonly id: string
  readonly network: Libp2pNetwork
  readonly agent: Agent
  /** Ends and begins again on what it has on its disk and its engine, as another process would. */
  restart(): Promise<void>
}

export interface MarketInit {
  times?: Partial<FollowerTimes>
  /** Which its client node may ask about images. Read at each request. @default [] */
  allowRegistries?: string[]
  /** What its client node keeps of outputs. @default as the program */
  outputs?: ClientNodeInit['outputs']
}

export async function openMarket(init: MarketInit = {}): Promise<TestMarket> {
  await using stack = new AsyncDisposableStack()
  const engine = await ensureEngine()
  stack.defer(engine.stop)
  const docker = new Docker({ socketPath: engine.socketPath })
  const image = await ensureBusyboxImage(docker)
  const folder = await mkdtemp(join(tmpdir(), 'cortex-market-'))
  stack.defer(async () => await rm(folder, { recursive: true, force: true }))
  const network = `t-${randomBytes(8).toString('hex')}`
  const node = await startClientNode(
    { logger: silentLogger },
    {
      ...{ networkName: network, listen: LOOPBACK, bootstrap: [], mdns: false },
      ...{ dataFolder: join(folder, 'client-node'), allowRegistries: init.allowRegistries ?? [] },
      ...(init.times === undefined ? {} : { times: init.times }),
      ...(init.outputs === undefined ? {} : { outputs: init.outputs }),
    },
  )
  stack.defer(node.stop)
  const bootstrap = node.network.addresses()
  const sellers: Seller[] = []
  let added = 0
  const resources = stack.move()

  const market: TestMarket = {
    ...{ network, docker, socketPath: engine.socketPath, image, node, sellers, bootstrap, folder },

    async addSeller(seller = {}) {
      added += 1
      const dataFolder = join(folder, `seller-${added}`)
      const started = await startSeller({ docker, network, bootstrap, dataFolder }, seller)
      resources.defer(started.stop)
      sellers.push(started.seller)
      const { id } = started.seller
      await until(() => node.directory.get(id)?.status === 'online')
      await until(() => node.network.counters().listeners.requests >= sellers.length)
      return started.seller
    },

    job: (script, changes = {}) => ({
      ...{ image, command: ['sh', '-c'], args: [script], network: 'none' },
      ...{ cpu: 100, memory: '16Mi', storage: '16Mi', duration: 120, stopGraceSeconds: 1 },
      ...changes,
    }),
    submit: async (submission) =>
      (await node.requester.submit({ owner: 'test', spec: jobSubmissionSchema.parse(submission) })).job,
    run: async (script, changes) => await market.ended((await market.submit(market.job(script, changes))).id),

    async when(id, is) {
      for (;;) {
        const changed = Promise.withResolvers<void>()
        const stop = node.store.onChange(id, changed.resolve)
        try {
          const job = await node.store.get(id)
          if (job !== undefined && is(job)) return job
          if (job !== undefined && isTerminal(job.state.status)) {
            throw new Error(`The job ended as ${JSON.stringify(job.state)}`)
          }
          await changed.promise
        } finally {
          stop()
        }
      }
    },
    ended: async (id) => await market.when(id, ({ state }) => isTerminal(state.status)),

    async left() {
      const owned = sellers.map(({ id }) => `org.cortex-node.owner=${id}`)
      const lists = owned.map(async (label) => {
        const filters = { label: [label] }
        const containers = await docker.listContainers({ all: true, filters })
        const networks = await docker.listNetworks({ filters })
        return [...containers.map(({ Names }) => Names.join()), ...networks.map(({ Name }) => Name)]
      })
      return (await Promise.all(lists)).flat()
    },

    defer: (end) => resources.defer(end),
    close: async () => await resources.disposeAsync(),
  }
  return market
}

async function startSeller(
  where: { docker: Docker; network: string; bootstrap: string[]; dataFolder: string },
  init: SellerInit,
): Promise<{ seller: Seller; stop: () => Promise<void> }> {
  const { dataFolder } = where
  const { publicAddress, allowRegistries = [], privileges = 'ordinary', docker = where.docker } = init
  const { around = (engine: ContainerEngine) => engine, clock = systemClock, inspect, pullTimes = {} } = init
  const privateKey = await loadIdentity(dataFolder)
  const logger = silentLogger
  const joined = () =>
    createLibp2pNetwork(
      { privateKey, logger },
      { network: where.network, listen: LOOPBACK, bootstrap: where.bootstrap },
    )
  let network = joined()
  const owner = network.peerId
  const firewall = publicAddress === undefined ? undefined : createFirewall({ logger }, { owner })
  const watched = (): PeerNetwork => ({
    ...network,
    handle(protocol, handler, options) {
      const seen: typeof handler = async (channel, peer) => {
        if (protocol === Protocol.award) init.onAward?.(seller)
        await handler(channel, peer)
      }
      network.handle(protocol, seen, options)
    },
  })
  const walls = init.walls === undefined ? {} : { walls: init.walls }
  const how: DockerEngineInit = { allowRegistries, privileges, pullTimes, ...walls }
  const engine = around(
    firewall === undefined || publicAddress === undefined
      ? createDockerEngine({ docker }, how)
      : createDockerEngine({ docker, firewall }, { ...how, owner, publishAt: publicAddress }),
  )
  const agentOn = (network: PeerNetwork): Agent =>
    createAgent(
      {
        engine: withoutOthers(engine),
        access: createContainerAccess(docker, publicAddress),
        inputVolumes: createInputVolumes(docker),
        volumeAccess: createVolumeAccess(docker, { owner }),
        ...{ network, privateKey, clock, logger },
        ...(inspect === undefined ? {} : { inspect }),
      },
      {
        marketName: where.network,
        dataFolder,
        prices: { ...DEFAULT_PRICES, cpuPerCoreHour: parseUsd(init.price ?? '0.01') ?? 0n },
        caps: { cpuMillis: 1_000, memoryBytes: GIB, storageBytes: 4 * GIB, ...init.caps },
        allowLocalImages: ['*'],
        // Tests wait for what is announced.
        announceDelayMs: 50,
        ...(init.name === undefined ? {} : { name: init.name }),
        ...walls,
        ...init.agent,
      },
    )
  let agent = agentOn(watched())
  const begin = async (): Promise<void> => {
    await network.start()
    await agent.start()
  }
  const seller: Seller = {
    id: owner,
    get network() {
      return network
    },
    get agent() {
      return agent
    },
    async restart() {
      await agent.stop()
      await network.stop()
      network = joined()
      agent = agentOn(watched())
      await begin()
    },
  }
  await begin()
  return {
    seller,
    async stop() {
      await agent.stop({ stopJobs: true })
      await removeInputs(docker, owner)
      await firewall?.stop()
      await network.stop()
    },
  }
}

/** What jobs brought is kept for the next start, which there is none of. */
async function removeInputs(docker: Docker, owner: string): Promise<void> {
  const filters = { label: [`org.cortex-node.owner=${owner}`, inputLabel] }
  const { Volumes: kept } = await docker.listVolumes({ filters } as object)
  for (const { Name: name } of kept ?? []) await docker.getVolume(name).remove()
}
