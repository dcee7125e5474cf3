/** Containers that are in another one's network: a job's that was put into a sandbox. */

import type Docker from 'dockerode'
import type { Abort } from './call.ts'

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

/** What makes a container join. */
export function joining({ id, name }: Sandbox): { mode: string; labels: Record<string, string> } {
  return { mode: `${JOINED}${id}`, labels: { [joinedLabel]: name } }
}

/** The sandbox that a container is in; null where it has a network of its own, or none. */
export function sandboxOf(networkMode = '', labels?: Record<string, string> | null): Sandbox | null {
  if (!networkMode.startsWith(JOINED)) return null
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
