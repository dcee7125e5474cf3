import { networkInterfaces } from 'node:os'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type Docker from 'dockerode'
import { type Clock, systemClock } from '../node/clock.ts'
import { createDirectory } from '../node/directory/directory.ts'
import { loadIdentity } from '../node/identity.ts'
import type { Logger } from '../node/logger.ts'
import type { PeerNetwork } from '../node/network/index.ts'
import { createLibp2pNetwork } from '../node/network/libp2p-network.ts'
import { networkInit, type PeerInit } from '../node/network/peer-init.ts'
import { type Database, openDatabase } from '../node/store/database.ts'
import type { Tracer } from '../node/tracing/index.ts'
import { PUBLIC_PORTS } from '../protocol/job-wire.ts'
import { createAgent } from './agent.ts'
import { inspectCluster } from './capacity.ts'
import { startControl } from './control/server.ts'
import { createContainerAccess } from './engine/access.ts'
import { connectDocker } from './engine/connect.ts'
import { createDockerEngine } from './engine/docker.ts'
import { createSwarmEngine, isSwarmManager } from './engine/swarm.ts'
import { createGuard } from './guard/guard.ts'
import { createFirewall } from './isolation/firewall.ts'
import type { AgentInit } from './options.ts'
import { createSandboxes } from './sandbox/sandboxes.ts'

export interface ProviderInit extends PeerInit {
  /** Folder of the identity and the journal; one process at a time. */
  dataFolder: string
  /** `unix://PATH` or `tcp://HOST:PORT`. Without it connecting goes to the engine's usual socket. */
  dockerHost?: string
  /** Sells all nodes of the Swarm that the engine manages. @default false */
  swarm?: boolean
  /** Registry → host of its mirror, with a path where it has one. @default {} */
  mirrors?: Record<string, string>
  /** Sandbox that jobs run in, one that the engine offers, e.g. `runsc`. @default the engine's own default */
  runtime?: string
  /** IPv4 addresses of the name servers that jobs ask. @default see `FirewallInit` */
  nameServers?: string[]
  /** Whether to start at all where jobs cannot be kept from the network around the machine. @default it does */
  requireNetworkIsolation?: boolean
  /** Networks for jobs that are made ahead, at least; more where more jobs come at once. Range 0..64. @default 2 */
  sandboxes?: number
  /**
   * IPv4 address of this machine as others reach it, at which ports are published that jobs ask to have public.
   * @default none is published
   */
  publicAddress?: string
  /** How it sells. */
  agent: Omit<AgentInit, 'marketName' | 'dataFolder'>
}

export interface RunningProvider {
  readonly network: PeerNetwork
  /** Takes nothing new and ends; containers are left for the next start unless `stopJobs`. */
  stop(how?: { stopJobs?: boolean }): Promise<void>
}

const REMEDY =
  'Run the agent as root beside a Docker engine on this machine, with iptables installed, or leave out --require-network-isolation.'

/** Starts a peer that sells this machine on the Docker engine. */
export async function startProvider(
  components: { logger: Logger; clock?: Clock; docker?: Docker; tracer?: Tracer },
  init: ProviderInit,
): Promise<RunningProvider> {
  const { logger, clock = systemClock } = components
  const { networkName, dataFolder } = init
  await using stack = new AsyncDisposableStack()
  // First of all: a second process on the folder would be a second peer of the same name on the network.
  const database = await openDatabase(dataFolder, (problem) => {
    logger.warn({ problem }, 'the journal was damaged, and is repaired: nothing is missing')
  })
  stack.defer(async () => await database.close())
  const privateKey = await loadIdentity(dataFolder)
  const docker = components.docker ?? connectDocker(init.dockerHost)
  const { swarm = false, mirrors = {} } = init
  if (swarm && !(await isSwarmManager(docker))) {
    throw new Error(`The engine manages no swarm: run 'docker swarm init' there, or leave out --swarm`)
  }
  const network = createLibp2pNetwork({ privateKey, logger, clock }, await networkInit({ ...init, stays: true }))
  const { runtime, nameServers, publicAddress = null, requireNetworkIsolation = false } = init
  const publish = publicAddress === null || swarm ? {} : { publishAt: bindAddressOf(publicAddress) }
  const names = nameServers === undefined ? {} : { nameServers }
  const owner = network.peerId
  const firewall = createFirewall({ logger: logger.child({ part: 'firewall' }) }, { owner, ...names })
  const sandboxes = createSandboxes(
    { docker, clock, logger: logger.child({ part: 'sandboxes' }) },
    { owner, ...(init.sandboxes === undefined ? {} : { least: init.sandboxes }) },
  )
  const engine = swarm
    ? createSwarmEngine({ docker }, { mirrors })
    : createDockerEngine(
        { docker, firewall, sandboxes },
        {
          owner,
          requireNetworkIsolation,
          mirrors,
          ...names,
          ...publish,
          ...(runtime === undefined ? {} : { runtime }),
        },
      )
  stack.defer(
    async () => await firewall.stop().catch((error) => logger.warn({ error: String(error) }, 'rules are left')),
  )
  // Before the firewall's: rules stay while a job's network does.
  stack.defer(async () => await sandboxes.close())
  if (requireNetworkIsolation || runtime !== undefined) {
    const { networkProblem } = await engine.features()
    if (requireNetworkIsolation && networkProblem !== null) {
      throw new Error(`Jobs cannot be kept from the network around this machine: ${networkProblem}. ${REMEDY}`)
    }
  }
  // Not to choose anybody: so that newcomers hear of the market from providers, too.
  const directory = createDirectory({ network, clock, logger: logger.child({ part: 'directory' }) }, { networkName })
  const { announce } = directory
  const openJournal = async (): Promise<Database> => database
  const { dockerHost } = init
  const guard = createGuard(
    { clock, logger: logger.child({ part: 'guard' }) },
    { folder: dataFolder, ...(dockerHost === undefined ? {} : { dockerHost }) },
  )
  const agent = createAgent(
    {
      engine,
      // Containers of a swarm may be on other machines, out of this engine's reach.
      ...(swarm ? {} : { access: createContainerAccess(docker, publicAddress) }),
      network,
      privateKey,
      clock,
      ...(components.tracer === undefined ? {} : { tracer: components.tracer }),
      // It ends containers of one engine by their names, which those of a swarm do not have.
      ...(swarm ? { inspect: inspectCluster } : { guard }),
      logger,
      announce,
      probes: [firewall.problem],
      providersOnline: () => directory.list().filter(({ status }) => status !== 'offline').length,
      openDatabase: openJournal,
    },
    {
      ...init.agent,
      ...('publishAt' in publish ? { capabilities: [...(init.agent.capabilities ?? []), PUBLIC_PORTS] } : {}),
      ...{ marketName: networkName, dataFolder },
    },
  )
  await network.start()
  stack.defer(async () => await network.stop())
  await directory.start()
  stack.defer(async () => await directory.stop())
  await agent.start()
  stack.defer(async () => await agent.stop())
  const control = await startControl({ agent, directory, network, clock, logger }, dataFolder)
  stack.defer(async () => await control.stop())
  const started = stack.move()
  return {
    network,
    async stop(how = {}) {
      await agent.stop({ stopJobs: how.stopJobs ?? false })
      await started.disposeAsync()
    },
  }
}

/** The address itself where an interface has it; all of them where a router in front of the machine does. */
function bindAddressOf(publicAddress: string): string {
  const own = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address))
  return own.includes(publicAddress) ? publicAddress : '0.0.0.0'
}
