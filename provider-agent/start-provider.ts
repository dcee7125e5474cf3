import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type Docker from 'dockerode'
import type { PeerInit } from '../node/client-node.ts'
import { type Clock, systemClock } from '../node/clock.ts'
import { createDirectory } from '../node/directory/directory.ts'
import { loadIdentity } from '../node/identity.ts'
import type { Logger } from '../node/logger.ts'
import type { PeerNetwork } from '../node/network/index.ts'
import { createLibp2pNetwork } from '../node/network/libp2p-network.ts'
import { type Database, openDatabase } from '../node/store/database.ts'
import { createAgent } from './agent.ts'
import { inspectCluster } from './capacity.ts'
import { startControl } from './control/server.ts'
import { createContainerAccess } from './engine/access.ts'
import { connectDocker } from './engine/connect.ts'
import { createDockerEngine } from './engine/docker.ts'
import { createSwarmEngine, isSwarmManager } from './engine/swarm.ts'
import { createGuard } from './guard/guard.ts'
import type { AgentInit } from './options.ts'

export interface ProviderInit extends PeerInit {
  /** Folder of the identity and the journal; one process at a time. */
  dataFolder: string
  /** `unix://PATH` or `tcp://HOST:PORT`. Without it connecting goes to the engine's usual socket. */
  dockerHost?: string
  /** Sells all nodes of the Swarm that the engine manages. @default false */
  swarm?: boolean
  /** Registry → host of its mirror, with a path where it has one. @default {} */
  mirrors?: Record<string, string>
  /** How it sells. */
  agent: Omit<AgentInit, 'marketName' | 'dataFolder'>
}

export interface RunningProvider {
  readonly network: PeerNetwork
  /** Takes nothing new and ends; containers are left for the next start unless `stopJobs`. */
  stop(how?: { stopJobs?: boolean }): Promise<void>
}

/** Starts a peer that sells this machine on the Docker engine. */
export async function startProvider(
  components: { logger: Logger; clock?: Clock; docker?: Docker },
  init: ProviderInit,
): Promise<RunningProvider> {
  const { logger, clock = systemClock } = components
  const { networkName, listen, bootstrap, mdns, dataFolder } = init
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
  const engine = swarm ? createSwarmEngine({ docker }, { mirrors }) : createDockerEngine({ docker }, { mirrors })
  const network = createLibp2pNetwork({ privateKey, logger, clock }, { network: networkName, listen, bootstrap, mdns })
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
      ...(swarm ? {} : { access: createContainerAccess(docker) }),
      network,
      privateKey,
      clock,
      // It ends containers of one engine by their names, which those of a swarm do not have.
      ...(swarm ? { inspect: inspectCluster } : { guard }),
      logger: logger.child({ part: 'agent' }),
      announce,
      providersOnline: () => directory.list().filter(({ status }) => status !== 'offline').length,
      openDatabase: openJournal,
    },
    { ...init.agent, marketName: networkName, dataFolder },
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
