/** Containers on networks that were there before them: another container's, which they join, or one that is lent to them. */

import type Docker from 'dockerode'
import type { Abort } from '../engine/ask-engine.ts'

type Inspected = Docker.ContainerInspectInfo

/**
 * Marks what keeps the networks of sandboxes, and those networks; its value is the agent's peer id. Images have labels, too,
 * and a job's container has those of its image: but it has its owner's label, and what keeps a sandbox has not.
 */
export const sandboxLabel = 'org.cortex-node.sandbox'

/** Label of a container in a sandbox: the sandbox's name. Any other container may have it from its image. */
const joinedLabel = 'cortex.sandbox'

const JOINED = 'container:'

/** A network made ahead: the engine's id of the container that keeps it, and the name of both. */
export interface Sandbox {
  id: string
  name: string
}

/** Where a container is put: its network mode, and what it is labelled with for that. */
export interface Place {
  mode: string
  labels: Record<string, string>
}

/** What makes a container join. */
export function joining({ id, name }: Sandbox): Place {
  return { mode: `${JOINED}${id}`, labels: { [joinedLabel]: name } }
}

/** A network with nobody else on it. */
export function alone(network: string): Place {
  return { mode: network, labels: {} }
}

const PREFIX = 'cortex-sandbox-'

/** What names of an agent's sandboxes and lent networks begin with. */
export function sandboxPrefix(owner: string): string {
  return `${PREFIX}${owner.slice(-8)}-`
}

/** The network that was lent to a container, by whatever run of the agent; null where it has one of its own, or none. */
export function lentTo(networkMode = ''): string | null {
  return networkMode.startsWith(PREFIX) ? networkMode : null
}

/** Whether a container with this network mode is in another one's network. */
export function isJoined(networkMode: string): boolean {
  return networkMode.startsWith(JOINED)
}

/** The sandbox that a container is in; null where it has a network of its own, or none. */
export function sandboxOf(networkMode = '', labels?: Record<string, string> | null): Sandbox | null {
  if (!isJoined(networkMode)) return null
  return { id: networkMode.slice(JOINED.length), name: labels?.[joinedLabel] ?? '' }
}

/** The settings of the network that a container is on, its own or the one that it has joined. */
export async function networkSettings(
  docker: Docker,
  details: Inspected,
  abort: Abort,
): Promise<Inspected['NetworkSettings']> {
  const sandbox = sandboxOf(details.HostConfig.NetworkMode)
  if (sandbox === null) return details.NetworkSettings
  return (await docker.getContainer(sandbox.id).inspect(abort)).NetworkSettings
}

/** The first address on a network; null where there is none. */
export function addressOf({ NetworkSettings: settings }: Pick<Inspected, 'NetworkSettings'>): string | null {
  return Object.values(settings.Networks ?? {}).find(({ IPAddress: ip }) => ip !== '')?.IPAddress ?? null
}
