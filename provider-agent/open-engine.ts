import { networkInterfaces } from 'node:os'
import type Docker from 'dockerode'
import type { Clock } from '../node/clock.ts'
import type { Logger } from '../node/logger.ts'
import { type Bandwidth, createShaper, type Shaper } from './bandwidth/shaper.ts'
import { inspectCluster, inspectMachine, type Machine } from './capacity/machine.ts'
import type { Yielding } from './control/yielding.ts'
import { type ContainerAccess, createContainerAccess } from './engine/access.ts'
import { createDockerEngine } from './engine/docker.ts'
import { readProperties } from './engine/engine-properties.ts'
import { noRuntime } from './engine/errors.ts'
import type { AbortOptions, ContainerEngine, EngineInfo, Privileges } from './engine/index.ts'
import { createInputVolumes, type InputVolumes } from './engine/input-volumes.ts'
import { createSwarmEngine } from './engine/swarm.ts'
import { createVolumeAccess, type VolumeAccess } from './engine/volume-access.ts'
import { findGpus } from './gpus/find-gpus.ts'
import { createGpuWatch } from './gpus/gpu-watch.ts'
import { createFirewall, type Firewall } from './isolation/firewall.ts'
import { type Wall, wallsOf } from './isolation/walls.ts'
import { createSandboxes } from './sandbox/sandboxes.ts'
import { createJobGroup } from './weights/job-group.ts'
import { DEFAULT_JOB_WEIGHT } from './weights/shares.ts'

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
  /**
   * What all jobs together weigh, in processor and disk, where any program of the owner's weighs 100. Range 1..100.
   * @default DEFAULT_JOB_WEIGHT
   */
  jobWeight?: number
  /** Bits a second that all jobs together may receive, and send. Range 64_000..1e12. @default what the machine has */
  maxBandwidth?: number
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
  /** Absent with a swarm, whose containers are on other machines. */
  shaper?: Shaper
  /** Absent with a swarm, whose containers may be on other machines, out of this engine's reach. */
  access?: ContainerAccess
  /** Absent with a swarm, likewise. */
  inputVolumes?: InputVolumes
  /** Absent with a swarm, likewise. */
  volumeAccess?: VolumeAccess
  /** Whether ports are published that jobs ask to have public. */
  publishes: boolean
  /** How jobs yield to the owner's programs, at the moment. */
  yielding(): Yielding
  /** What jobs are held to of the network, at the moment. */
  bandwidth(): Bandwidth
  /** Gives up what was made ahead, and then the rules: they stay while a job's network does. */
  close(): Promise<void>
}

/** How long the engine may take to say what is left, in ms. */
const LAST_LOOK_MS = 5_000
const ELSEWHERE = 'a swarm’s jobs run on other machines'
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
  const { jobWeight = DEFAULT_JOB_WEIGHT } = init
  const names = nameServers === undefined ? {} : { nameServers }
  const publish = publicAddress === null || swarm ? {} : { publishAt: bindAddressOf(publicAddress) }
  const firewall = createFirewall({ logger: logger.child({ part: 'firewall' }) }, { owner, ...names })
  const sandboxes = createSandboxes(
    { docker, clock, logger: logger.child({ part: 'sandboxes' }) },
    { owner, ...(init.sandboxes === undefined ? {} : { least: init.sandboxes }) },
  )
  const jobGroup = swarm || jobWeight >= 100 ? null : createJobGroup({ owner, weight: jobWeight })
  const rate = init.maxBandwidth ?? null
  const shaper = swarm ? undefined : createShaper({ logger: logger.child({ part: 'bandwidth' }) }, { owner, rate })
  if (swarm && rate !== null) logger.warn({ problem: ELSEWHERE }, 'jobs are not held to a bandwidth')
  const gpuWatch = createGpuWatch({ clock, find: async () => await findGpus() })
  const engine = swarm
    ? createSwarmEngine({ docker, clock }, { ...pulling, privileges })
    : createDockerEngine(
        {
          ...{ docker, firewall, sandboxes, clock, gpus: async () => (await gpuWatch.look()).gpus },
          ...(jobGroup === null ? {} : { jobGroup }),
          ...(shaper === undefined ? {} : { shaper }),
        },
        {
          ...{ owner, requireNetworkIsolation, privileges, jobWeight },
          ...{ ...pulling, ...names, ...publish },
          walls,
        },
      )
  return {
    ...{ engine, walls },
    inspect: swarm ? inspectCluster : async (info) => await inspectMachine(info, gpuWatch.look),
    firewall,
    ...(shaper === undefined ? {} : { shaper }),
    ...(swarm
      ? {}
      : {
          access: createContainerAccess(docker, publicAddress),
          inputVolumes: createInputVolumes(docker),
          volumeAccess: createVolumeAccess(docker, { owner }),
        }),
    publishes: 'publishAt' in publish,
    bandwidth: () => shaper?.state() ?? { rate, problem: rate === null ? null : ELSEWHERE },
    yielding: () => ({ weight: jobWeight, inSwarm: swarm, problem: jobGroup?.problem() ?? null }),
    async close() {
      await sandboxes.close()
      await jobGroup?.stop()
      await shaper?.stop()
      await firewall
        .stop({ isUnused: await hasNothing(engine, owner) })
        .catch((error) => logger.warn({ error: String(error) }, 'rules are left'))
    },
  }
}

/** @throws where jobs cannot be kept as was asked for */
export async function assertKept(
  { engine, walls }: OpenEngine,
  docker: Docker,
  init: EngineInit,
  options: AbortOptions,
): Promise<void> {
  const { requireNetworkIsolation = false } = init
  const named = walls.map(({ runtime }) => runtime).filter((runtime) => runtime !== null)
  if (named.length > 0) {
    const { runtimes } = await readProperties(docker)
    for (const runtime of named) if (!runtimes.includes(runtime)) throw noRuntime(runtime, runtimes)
  }
  if (!requireNetworkIsolation) return
  const { networkProblem } = await engine.features(options)
  if (networkProblem !== null) {
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
