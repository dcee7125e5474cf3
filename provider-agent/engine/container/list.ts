import type Docker from 'dockerode'
import { askEngine } from '../ask-engine.ts'
import type { AbortOptions, ContainerSummary } from '../index.ts'
import { ownerLabel } from '../labels.ts'

/** Everything that carries `owner`'s label: containers, and networks whose container is gone. */
export async function listOwned(
  docker: Docker,
  owner: string,
  { signal }: AbortOptions = {},
): Promise<ContainerSummary[]> {
  return askEngine('listing containers', signal, async (abort) => {
    const filters = { label: [`${ownerLabel}=${owner}`] }
    const [containers, networks] = await Promise.all([
      docker.listContainers({ all: true, filters, ...abort }),
      docker.listNetworks({ filters, ...abort }),
    ])
    const found = containers.map(
      (container): ContainerSummary => ({
        name: container.Names[0]?.replace(/^\//, '') ?? container.Id,
        state: toState(container.State),
        labels: container.Labels,
      }),
    )
    const names = new Set(found.map(({ name }) => name))
    for (const { Name: name, Labels: labels } of networks) {
      if (!names.has(name)) found.push({ name, state: 'network-only', labels: labels ?? {} })
    }
    return found
  })
}

function toState(state: string): 'created' | 'running' | 'exited' {
  if (state === 'created') return 'created'
  return state === 'running' || state === 'paused' || state === 'restarting' ? 'running' : 'exited'
}
