import { readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import type { Abort } from '../engine/ask-engine.ts'
import type { EngineProperties } from '../engine/engine-properties.ts'
import { ownerLabel } from '../engine/labels.ts'
import { probeName } from '../engine/probe-name.ts'
import { bridgeName } from './bridge-name.ts'
import { createNetwork, removeNetwork } from './network.ts'

const REMEDY =
  "run the agent on the engine's own machine as root, in its network, with the engine's own socket (--docker-host unix:///var/run/docker.sock)"

/**
 * Why the ports of containers cannot be dialled from this process, for people, with the remedy; null where they can.
 * Containers are dialled at their own addresses, so the engine's bridges have to be where this process is: one is made
 * and looked for, by a name that nobody else has. Of Podman, which makes a bridge with its first container, it is enough
 * that it is not rootless.
 */
export async function portsProblem(
  docker: Docker,
  { isPodman, isRootless }: Pick<EngineProperties, 'isPodman' | 'isRootless'>,
  owner: string,
  abort: Abort,
): Promise<string | null> {
  if (isRootless) return `the engine is rootless, and keeps its networks to itself: ${REMEDY}`
  if (isPodman) return null
  const name = probeName()
  // An agent that is killed here finds it by that at its next start.
  await createNetwork(docker, { name, owner, labels: { [ownerLabel]: owner } }, abort)
  try {
    if (await isHere(bridgeName(owner, name))) return null
    return `the engine keeps its networks elsewhere, as one on another machine or Docker Desktop does: ${REMEDY}`
  } finally {
    await removeNetwork(docker, name, {})
  }
}

/** Whether this process's network has an interface of this name. */
async function isHere(name: string): Promise<boolean> {
  const interfaces = await readFile('/proc/net/dev', 'utf8').catch(() => '') // Not Linux: then no bridge is here.
  return interfaces.split('\n').some((line) => line.trimStart().startsWith(`${name}:`))
}
