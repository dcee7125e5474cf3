import type Docker from 'dockerode'
import type { Abort } from '../engine/ask-engine.ts'
import { statusOf, toEngineError } from '../engine/errors.ts'
import { untilTrue } from '../engine/removal.ts'
import { type NetworkSpec, toNetworkOptions } from './network-spec.ts'
import { pickSubnet } from './subnets.ts'

/** How often another subnet is tried when the one picked is taken. */
const subnetAttempts = 16

/** Creates the container's own bridge network; one of that name is taken for it. Answers whether there was none. */
export async function createNetwork(docker: Docker, spec: NetworkSpec, abort: Abort): Promise<boolean> {
  try {
    return await create(docker, spec, null, abort)
  } catch (error) {
    if (!isExhausted(error)) throw error
    return createInSubnet(docker, spec, abort)
  }
}

async function createInSubnet(docker: Docker, spec: NetworkSpec, abort: Abort): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await create(docker, spec, pickSubnet(Math.random()), abort)
    } catch (error) {
      if (attempt === subnetAttempts || !/overlaps/i.test(String(error))) throw error
    }
  }
}

async function create(docker: Docker, spec: NetworkSpec, subnet: string | null, abort: Abort): Promise<boolean> {
  try {
    await docker.createNetwork({ ...toNetworkOptions(spec, subnet), ...abort })
    return true
  } catch (error) {
    if (statusOf(error) === 409) return false
    throw error
  }
}

function isExhausted(error: unknown): boolean {
  return /non-overlapping|address pool/i.test(toEngineError(error, '').message)
}

/**
 * Removes a container's network.
 *
 * @returns False when a container is still on it.
 */
export async function removeNetwork(docker: Docker, name: string, abort: Abort): Promise<boolean> {
  try {
    await docker.getNetwork(name).remove(abort)
    return true
  } catch (error) {
    if (statusOf(error) === 404) return true
    if (statusOf(error) === 403 || /active endpoints|network is being used/i.test(String(error))) return false
    throw error
  }
}

/** Removes a network when nobody is on it any more, for which it waits. */
export async function dropNetwork(docker: Docker, name: string, abort: Abort): Promise<void> {
  await untilTrue(() => removeNetwork(docker, name, abort), `network ${name} is in use`, abort.abortSignal)
}
