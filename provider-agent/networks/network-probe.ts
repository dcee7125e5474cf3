import type Docker from 'dockerode'
import type { Abort } from '../engine/ask-engine.ts'
import { ownerLabel } from '../engine/labels.ts'
import { probeName } from '../engine/probe-name.ts'
import type { Firewall } from '../isolation/firewall.ts'
import { bridgeName } from './bridge-name.ts'
import { createNetwork, removeNetwork } from './network.ts'

/**
 * Why jobs with a network can reach more than the internet, for people; null where they cannot. The rules are of use only
 * where the engine's networks are in the same place as they, and named as they say: so one is made and looked for.
 */
export async function networkProblem(
  docker: Docker,
  firewall: Pick<Firewall, 'ensure' | 'hasInterface' | 'isInForce' | 'stop'>,
  owner: string,
  abort: Abort,
): Promise<string | null> {
  try {
    await firewall.ensure()
  } catch (error) {
    // What held jobs until now is waited for: meanwhile the agent takes none.
    if (firewall.isInForce) return null
    return `firewall rules cannot be set: ${(error as Error).message}`
  }
  const name = probeName()
  await createNetwork(docker, { name, owner, labels: { [ownerLabel]: owner } }, abort)
  try {
    if (await firewall.hasInterface(bridgeName(owner, name))) return null
    await firewall.stop() // Of no use, and not to be missed.
    return 'the engine keeps its networks elsewhere: it is remote, rootless, or does not name them as it was told'
  } finally {
    await removeNetwork(docker, name, {})
  }
}
