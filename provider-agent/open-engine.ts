import { networkInterfaces } from 'node:os'
import type Docker from 'dockerode'
import type { Clock } from '../node/clock.ts'
import type { Logger } from '../node/logger.ts'
import { inspectCluster, inspectMachine, type Machine } from './capacity/machine.ts'
import { type ContainerAccess, createContainerAccess } from './engine/access.ts'
import { createDockerEngine } from './engine/docker.ts'
import { readProperties } from './engine/engine-properties.ts'
import { noRuntime } from './engine/errors.ts'
import type { ContainerEngine, EngineInfo, Privileges } from './engine/index.ts'
import { createSwarmEngine } from './engine/swarm.ts'
import { findGpus } from './gpus/find-gpus.ts'
import { createGpuWatch } from './gpus/gpu-watch.ts'
import { createFirewall, type Firewall } from './isolation/firewall.ts'
import { type Wall, wallsOf } from './isolation/walls.ts'
import { createSandboxes } from './sandbox/sandboxes.ts'

/** What jobs run on, and how they are kept there. */
export interface EngineInit {
  /** Sells all nodes of the Swarm that the engine manages. @default false */
  swarm?: boolean
  /** Registries that images may come from though they are inside the network; see `RegistryAccessInit`. @default [] */
  allowRegistries?: string[]
  /** The largest image that is pulled, unpacked, in bytes. @default 32 GiB */
  maxImageBytes?: number
  /** Registry → host of its mirror, with a path where it has one. @default {} */
  mirrors?: Record<string, string>
  /** What jobs run under that name no class of isolation, one that the engine offers, e.g. `runsc`. @default the engine's own default */
  runtime?: string
  /** Classes of isolation that are sold, each once, and the engine's runtime of each. @default that of `runtime` alone */
  walls?: Wall[]
  /** What programs of jobs may do in their containers. @default 'ordinary' */
  privileges?: Privileges
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
}

/** An engine, and what was made around it. */
export interface OpenEngine {
  engine: ContainerEngine
  /** All that are sold, the default first. */
  walls: readonly Wall[]
  /** Looks at the machine under it, or the cluster. */
  inspect: (info: EngineInfo) => Promise<Machine>
  firewall: Firewall
  /** Absent with a swarm, whose containers may be on other machines, out of this engine's reach. */
  access?: ContainerAccess
  /** Whether ports are published that jobs ask to have public. */
  publishes: boolean
  /** Gives up what was made ahead, and then the rules: they stay while a job's network does. */
  close(): Promise<void>
}

/** How long the engine may take to say what is left, in ms. */
const LAST_LOOK_MS = 5_000
const REMEDY =
  'Run the agent as root beside a Docker engine on this machine, with iptables installed, or leave out --require-network-isolation.'

/** @param components.owner peer id that marks what is made on the engine */
export function openEngine(
  { docker, clock, logger, owner }: { docker: Docker; clock: Clock; logger: Logger; owner: string },
  init: EngineInit,
): OpenEngine {
  const { swarm = false, mirrors = {}, allowRegistries = [], maxImageBytes, runtime, nameServers } = init
  const { publicAddress = null, requireNetworkIsolation = false, privileges = 'ordinary' } = init
  if (swarm && init.walls !== undefined)
    throw new Error('A swarm’s nodes have runtimes of their own: leave out --isolation')
  const walls = wallsOf(swarm ? undefined : runtime, init.walls ?? [])
  const pulling = { mirrors, allowRegistries, ...(maxImageBytes === undefined ? {} : { maxImageBytes }) }
  const names = nameServers === undefined ? {} : { nameServers }
  const publish = publicAddress === null || swarm ? {} : { publishAt: bindAddressOf(publicAddress) }
  const firewall = createFirewall({ logger: logger.child({ part: 'firewall' }) }, { owner, ...names })
  const sandboxes = createSandboxes(
    { docker, clock, logger: logger.child({ part: 'sandboxes' }) },
    { owner, ...(init.sandboxes === undefined ? {} : { least: init.sandboxes }) },
  )
  const gpuWatch = createGpuWatch({ clock, find: async () => await findGpus() })
  const engine = swarm
    ? createSwarmEngine({ docker, clock }, { ...pulling, privileges })
    : createDockerEngine(
        { docker, firewall, sandboxes, clock, gpus: async () => (await gpuWatch.look()).gpus },
        {
          ...{ owner, requireNetworkIsolation, privileges },
          ...{ ...pulling, ...names, ...publish },
          walls,
        },
      )
  return {
    ...{ engine, walls },
    inspect: swarm ? inspectCluster : async (info) => await inspectMachine(info, gpuWatch.look),
    firewall,
    ...(swarm ? {} : { access: createContainerAccess(docker, publicAddress) }),
    publishes: 'publishAt' in publish,
    async close() {
      await sandboxes.close()
      await firewall
        .stop({ isUnused: await hasNothing(engine, owner) })
        .catch((error) => logger.warn({ error: String(error) }, 'rules are left'))
    },
  }
}

/** @throws where jobs cannot be kept as was asked for */
export async function assertKept({ engine, walls }: OpenEngine, docker: Docker, init: EngineInit): Promise<void> {
  const { requireNetworkIsolation = false } = init
  const named = walls.map(({ runtime }) => runtime).filter((runtime) => runtime !== null)
  if (named.length > 0) {
    const { runtimes } = await readProperties(docker)
    for (const runtime of named) if (!runtimes.includes(runtime)) throw noRuntime(runtime, runtimes)
  }
  if (!requireNetworkIsolation) return
  const { networkProblem } = await engine.features()
  if (requireNetworkIsolation && networkProblem !== null) {
    throw new Error(`Jobs cannot be kept from the network around this machine: ${networkProblem}. ${REMEDY}`)
  }
}

/** Whether no job of this agent is left; false where the engine does not say so within some seconds. */
async function hasNothing(engine: ContainerEngine, owner: string): Promise<boolean> {
  const found = await engine.list(owner, { signal: AbortSignal.timeout(LAST_LOOK_MS) }).catch(() => null)
  return found?.length === 0
}

/** The address itself where an interface has it; all of them where a router in front of the machine does. */
function bindAddressOf(publicAddress: string): string {
  const own = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address))
  return own.includes(publicAddress) ? publicAddress : '0.0.0.0'
}
