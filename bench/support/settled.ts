import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'

/** How long nothing must have changed, in ms: an agent makes no sandbox within 300 of a job's start. */
const STABLE_MS = 500

/** Waits until the agents have removed their container and made new sandboxes, so that the two never share the engine. */
export async function settled(docker: Docker, owners: string[], sandboxes: number): Promise<void> {
  const labelled = async (label: string): Promise<string[][]> =>
    await Promise.all(
      owners.map(async (owner) => {
        const filters = { label: [`${label}=${owner}`] }
        const containers = await docker.listContainers({ all: true, filters })
        const networks = await docker.listNetworks({ filters })
        return [...containers.map(({ Id, State }) => `${Id} ${State}`), ...networks.map(({ Id }) => Id)]
      }),
    )
  for (let [before, sinceMs] = ['', 0]; ; await delay(50)) {
    const [jobs, kept] = [await labelled('org.cortex-node.owner'), await labelled('org.cortex-node.sandbox')]
    const now = JSON.stringify(kept)
    if (now !== before) [before, sinceMs] = [now, performance.now()]
    // Each is a container and its network.
    const isFull = kept.every((own) => own.length >= 2 * sandboxes && !own.some((one) => one.endsWith(' created')))
    if (isFull && jobs.flat().length === 0 && performance.now() - sinceMs > STABLE_MS) return
  }
}
