import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type Docker from 'dockerode'
import { type BackupPlan, startBackups } from '../node/backup/keep-backups.ts'
import { writeBackup } from '../node/backup/write-backup.ts'
import { type Clock, systemClock } from '../node/clock.ts'
import { createDirectory } from '../node/directory/directory.ts'
import { loadIdentity } from '../node/identity.ts'
import type { Logger } from '../node/logger.ts'
import type { PeerNetwork } from '../node/network/index.ts'
import { createLibp2pNetwork } from '../node/network/libp2p-network.ts'
import { trusted } from '../node/network/outside.ts'
import { networkInit, type PeerInit } from '../node/network/peer-init.ts'
import { openDatabase } from '../node/store/database.ts'
import { openDump } from '../node/store/dump.ts'
import type { Tracer } from '../node/tracing/index.ts'
import { ownVersion } from '../node/version.ts'
import { PUBLIC_PORTS } from '../protocol/capabilities.ts'
import { watchAbandoned } from './abandoned/abandoned.ts'
import { enterAgent } from './abandoned/known-agents.ts'
import { createAgent } from './agent.ts'
import { findHardware } from './capacity/hardware.ts'
import { startControl } from './control/server.ts'
import { readShared } from './control/shared.ts'
import { connectDocker } from './engine/connect.ts'
import type { AbortOptions } from './engine/index.ts'
import { isSwarmManager } from './engine/swarm.ts'
import { createGuard } from './guard/guard.ts'
import { shareKernel } from './isolation/walls.ts'
import { assertKept, type EngineInit, openEngine } from './open-engine.ts'
import type { AgentInit } from './options.ts'

/** How {@link startProvider} joins the network, and what it sells. */
export interface ProviderInit extends PeerInit, EngineInit {
  /** Folder of the identity and the journal; one process at a time. */
  dataFolder: string
  /** `unix://PATH` or `tcp://HOST:PORT`. Without it connecting goes to the engine's usual socket. */
  dockerHost?: string
  /** When backups of its data folder are made. @default never */
  backups?: BackupPlan
  /** How it sells. */
  agent: Omit<AgentInit, 'marketName' | 'dataFolder' | 'walls'>
}

/** A peer that sells, as long as it is not stopped. */
export interface RunningProvider {
  readonly network: PeerNetwork
  /** Why it takes no jobs at the moment, e.g. `has no container engine at the moment`; null while it does. */
  paused(): string | null
  /** Takes nothing new and ends; containers are left for the next start unless `stopJobs`. */
  stop(how?: { stopJobs?: boolean }): Promise<void>
}

/**
 * Starts a peer that sells this machine on the Docker engine.
 *
 * @example
 * ```ts
 * import { createLogger, startProvider } from 'cortex-node'
 *
 * const provider = await startProvider(
 *   { logger: createLogger({ name: 'seller', level: 'warn' }) },
 *   {
 *     dataFolder: './provider',
 *     networkName: 'main',
 *     listen: ['/ip4/127.0.0.1/tcp/13100'],
 *     bootstrap: [],
 *     mdns: false,
 *     agent: { name: 'attic', caps: { cpuMillis: 1_000, memoryBytes: 2 ** 30 } },
 *   },
 * )
 * console.log('selling as', provider.network.peerId)
 * await provider.stop({ stopJobs: true })
 * ```
 * @param options.signal ends the start early; what it has made is put away
 * @throws {DataFolderError} where the folder is in use, or damaged
 * @throws the signal's reason
 */
export async function startProvider(
  components: { logger: Logger; clock?: Clock; docker?: Docker; tracer?: Tracer },
  init: ProviderInit,
  options: AbortOptions = {},
): Promise<RunningProvider> {
  const { logger, clock = systemClock } = components
  const { networkName, dataFolder } = init
  await using stack = new AsyncDisposableStack()
  trusted()
  // First of all: a second process on the folder would be a second peer of the same name on the network.
  const database = await openDatabase(
    dataFolder,
    (problem) => logger.warn({ problem }, 'the journal was damaged, and is repaired: nothing is missing'),
    (problem) => logger.error({ problem, dataFolder }, 'the journal was damaged meanwhile: restore it from a backup'),
  )
  stack.defer(async () => await database.close())
  const privateKey = await loadIdentity(dataFolder)
  const docker = components.docker ?? connectDocker(init.dockerHost)
  const { swarm = false } = init
  if (swarm && !(await isSwarmManager(docker))) {
    throw new Error(`The engine manages no swarm: run 'docker swarm init' there, or leave out --swarm`)
  }
  const network = createLibp2pNetwork({ privateKey, logger, clock }, await networkInit({ ...init, stays: true }))
  const owner = network.peerId
  // Before it makes anything. Agents beside an engine on another machine know nothing of each other.
  const { socketPath: engineSocket = null } = docker.modem as { socketPath?: string }
  const place = engineSocket === null || swarm ? null : await enterAgent({ owner, engine: engineSocket, dataFolder })
  stack.defer(async () => await place?.release())
  const opened = openEngine({ docker, clock, logger, owner }, init)
  const { engine, inspect, firewall, shaper, access, inputVolumes, volumeAccess } = opened
  stack.defer(opened.close)
  await assertKept(opened, docker, init, options)
  options.signal?.throwIfAborted()
  // Not to choose anybody: so that newcomers hear of the market from providers, too.
  const directory = createDirectory({ network, clock, logger: logger.child({ part: 'directory' }) }, { networkName })
  const { dockerHost } = init
  const guard = createGuard(
    { clock, logger: logger.child({ part: 'guard' }) },
    { folder: dataFolder, ...(dockerHost === undefined ? {} : { dockerHost }) },
  )
  const agent = createAgent(
    {
      ...{ engine, inspect },
      ...{ network, privateKey, clock, logger },
      ...(access === undefined ? {} : { access }),
      ...(inputVolumes === undefined ? {} : { inputVolumes }),
      ...(volumeAccess === undefined ? {} : { volumeAccess }),
      ...(components.tracer === undefined ? {} : { tracer: components.tracer }),
      // It ends containers of one engine by their names, which those of a swarm do not have.
      ...(swarm ? {} : { guard, hardware: async (dataRoot: string) => await findHardware(dataRoot, logger) }),
      announce: directory.announce,
      probes: [firewall.problem, ...(shaper === undefined ? [] : [shaper.problem])],
      providersOnline: () => directory.list().filter(({ status }) => status !== 'offline').length,
      openDatabase: async () => database,
    },
    {
      version: await ownVersion(),
      ...init.agent,
      ...(opened.publishes ? { capabilities: [...(init.agent.capabilities ?? []), PUBLIC_PORTS] } : {}),
      ...{ marketName: networkName, dataFolder, walls: opened.walls },
    },
  )
  await network.start()
  stack.defer(async () => await network.stop())
  await directory.start()
  stack.defer(async () => await directory.stop())
  await agent.start(options)
  stack.defer(async () => await agent.stop())
  if (place !== null && engineSocket !== null) {
    const watch = watchAbandoned(
      { docker, engine, clock, logger: logger.child({ part: 'abandoned' }) },
      { engineSocket },
    )
    stack.defer(watch.stop)
  }
  const shared = async () => await readShared(shareKernel(opened.walls), firewall.limitsConnections)
  const version = await ownVersion()
  const backup = async (withFiles: boolean) => {
    const dumps = { journal: openDump(database) }
    return writeBackup(
      { kind: 'agent', peerId: owner, folder: dataFolder, dumps },
      { withFiles, version, nowMs: clock.nowMs() },
    )
  }
  const control = await startControl(
    {
      ...{ agent, directory, network, clock, logger, shared, backup },
      ...{ yielding: opened.yielding, bandwidth: opened.bandwidth },
    },
    dataFolder,
  )
  stack.defer(async () => await control.stop())
  if (init.backups !== undefined) {
    const parts = { kind: 'agent', peerId: owner, make: backup, clock } as const
    stack.defer(startBackups({ ...parts, logger: logger.child({ part: 'backup' }) }, init.backups).stop)
  }
  const started = stack.move()
  return {
    network,
    paused: () => agent.status().paused,
    async stop(how = {}) {
      await agent.stop({ stopJobs: how.stopJobs ?? false })
      await started.disposeAsync()
    },
  }
}
