/**
 * One sandbox on the engine: a container that does nothing, the *holder*, on a bridge network of its own, both of one
 * name. A job's container joins the holder's network namespace.
 */

import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import type { Abort } from '../engine/ask-engine.ts'
import { ownerLabel } from '../engine/labels.ts'
import { removeContainer } from '../engine/removal.ts'
import { createNetwork, dropNetwork } from '../networks/network.ts'
import { lentTo, type Sandbox, sandboxLabel, sandboxOf, sandboxPrefix } from '../networks/network-mode.ts'
import { HOLD } from './image.ts'

/** Of which run of the agent they are. */
const runLabel = 'org.cortex-node.sandbox.run'

/** Of a holder and its network: whose they are, and of which run of the agent. */
export function holderLabels(owner: string, run: string): Record<string, string> {
  return { [sandboxLabel]: owner, [runLabel]: run }
}

/** What a holder may take, in bytes: a runtime needs about 10 MiB for a moment to start it, and then it is a page. */
const HOLDER_MEMORY_BYTES = 16 * 2 ** 20
/** The runtime's own threads while it starts. */
const HOLDER_PIDS = 32
/** How long an engine that ends waits for a holder, which hears no signal, in s: so long jobs that end keep their network. */
const STOP_SECONDS = 3

/** What {@link makeHolder} makes. */
export interface HolderInit {
  /** Peer id of the agent. */
  owner: string
  /** Names this run of the agent. */
  run: string
  image: string
  /** Asked for the programs of the job; empty is the engine's choice. */
  nameServers: string[]
}

/** For another sandbox, or another network to lend. */
export function sandboxName(owner: string): string {
  return `${sandboxPrefix(owner)}${randomBytes(6).toString('hex')}`
}

/** Makes and starts one. Where that fails, nothing is left, as far as the engine answers. */
export async function makeHolder(docker: Docker, init: HolderInit, abort: Abort): Promise<Sandbox> {
  const { owner, run, image, nameServers } = init
  const name = sandboxName(owner)
  const labels = holderLabels(owner, run)
  try {
    await createNetwork(docker, { name, owner, labels }, abort)
    const container = await docker.createContainer({
      name,
      Image: image,
      Entrypoint: [HOLD],
      Labels: labels,
      User: '65534:65534',
      StopTimeout: STOP_SECONDS,
      AttachStdout: false,
      AttachStderr: false,
      HostConfig: {
        NetworkMode: name,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        ReadonlyRootfs: true,
        IpcMode: 'private',
        PidsLimit: HOLDER_PIDS,
        Memory: HOLDER_MEMORY_BYTES,
        MemorySwap: HOLDER_MEMORY_BYTES,
        CpuShares: 2, // The least; a quota would hold up its start.
        OomScoreAdj: 0, // Ended only after every job: it is of no use to anybody without its network.
        LogConfig: { Type: 'none', Config: {} },
        RestartPolicy: { Name: 'no' },
        ...(nameServers.length > 0 && { Dns: nameServers }),
      },
      ...abort,
    } as Docker.ContainerCreateOptions)
    await container.start(abort)
    return { id: container.id, name }
  } catch (error) {
    await removeHolder(docker, name, {}).catch(() => undefined) // whoever asked hears of the first error
    throw error
  }
}

/** Removes a holder and its network, each where it is there. */
export async function removeHolder(docker: Docker, name: string, abort: Abort): Promise<void> {
  await removeContainer(docker.getContainer(name), abort)
  await dropNetwork(docker, name, abort)
}

/**
 * Names of holders and networks that no container of a job has joined or was lent; what one has goes with it.
 *
 * @param runs those of the agent whose own is left out
 */
export async function unusedHolders(docker: Docker, owner: string, runs: string[], abort: Abort): Promise<string[]> {
  const filters = { label: [`${sandboxLabel}=${owner}`] }
  const isOld = ({ Labels: labels }: { Labels?: Record<string, string> | undefined }): boolean =>
    !runs.includes(labels?.[runLabel] ?? '') && labels?.[ownerLabel] === undefined
  const [holders, networks, jobs] = await Promise.all([
    docker.listContainers({ all: true, filters, ...abort }),
    docker.listNetworks({ filters, ...abort }),
    docker.listContainers({ all: true, filters: { label: [`${ownerLabel}=${owner}`] }, ...abort }),
  ])
  const used = new Set(
    jobs.map(({ HostConfig: { NetworkMode: mode }, Labels: labels }) => sandboxOf(mode, labels)?.name ?? lentTo(mode)),
  )
  const names = [
    ...holders.filter(isOld).map(({ Names: [first = ''] }) => first.slice(1)),
    ...networks.filter(isOld).map(({ Name: name }) => name),
  ]
  return [...new Set(names)].filter((name) => !used.has(name))
}

/**
 * Removes what an earlier run of the agent left, as far as no job uses it.
 *
 * @param runs those whose own is left alone
 * @returns names of what was removed
 * @throws where something was not, once all was tried
 */
export async function sweepHolders(docker: Docker, owner: string, runs: string[], abort: Abort): Promise<string[]> {
  const strays = await unusedHolders(docker, owner, runs, abort)
  const errors: unknown[] = []
  for (const name of strays) await removeHolder(docker, name, abort).catch((error) => errors.push(error))
  if (errors.length > 0) throw errors[0]
  return strays
}
