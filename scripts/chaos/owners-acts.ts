/** What the owner of a machine does to a job's container behind its agent's back. */

import type Docker from 'dockerode'
import type { World } from './world.ts'

export type OwnersAct = [name: string, act: (container: Docker.Container) => Promise<unknown>]

export const OWNERS_ACTS: OwnersAct[] = [
  ['docker kill', async (container) => await container.kill()],
  ['docker kill -s TERM', async (container) => await container.kill({ signal: 'SIGTERM' })],
  ['docker stop', async (container) => await container.stop({ t: 2 })],
  ['docker rm -f', async (container) => await container.remove({ force: true })],
]

/** Does it to one of those that run, the `nth` where one counts on from the last to the first. Whether there was one. */
export async function endContainer({ market, befallen }: World, [name, act]: OwnersAct, nth: number): Promise<boolean> {
  const running = await Promise.all(market.agents.map(async ({ docker, id }) => await ofAgent(docker, id)))
  const all = running.flat()
  const found = all[nth % all.length]
  if (found === undefined) return false
  const { container, jobId, fence } = found
  // Known before it is done: what it does is seen at once.
  befallen.push({ what: 'owner', jobId, fence, act: name, atMs: Date.now() })
  try {
    await act(container)
    return true
  } catch {
    return false // it has ended by itself meanwhile, or its engine has
  }
}

async function ofAgent(docker: Docker, id: string) {
  const filters = { label: [`org.cortex-node.owner=${id}`, 'cortex.job'] }
  // Its engine is away.
  const containers = await docker.listContainers({ filters }).catch(() => [])
  return containers.map(({ Id, Labels: { 'cortex.job': jobId = '', 'cortex.fence': fence = '' } }) => {
    return { container: docker.getContainer(Id), jobId, fence: Number(fence) }
  })
}
