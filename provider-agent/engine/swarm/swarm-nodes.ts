import type Docker from 'dockerode'
import type { Abort } from '../ask-engine.ts'
import { type ContainerSpec, EngineError } from '../index.ts'

/** The fields of a node that are read here. */
interface SwarmNode {
  Spec: { Availability: string }
  Status: { State: string }
  Description: { Resources: { NanoCPUs: number; MemoryBytes: number } }
}

/** Of all nodes that take tasks. */
export async function readyNodes(docker: Docker, abort: Abort): Promise<{ cpuMillis: number; memoryBytes: number }[]> {
  const nodes = (await docker.listNodes(abort)) as SwarmNode[]
  return nodes
    .filter(({ Spec, Status }) => Spec.Availability === 'active' && Status.State === 'ready')
    .map(({ Description: { Resources: has } }) => ({ cpuMillis: has.NanoCPUs / 1e6, memoryBytes: has.MemoryBytes }))
}

/** @throws {EngineError} `RESOURCE_LIMIT_EXCEEDED` where a job is larger than each of the nodes */
export function checkFits(
  { cpuMillis, memoryBytes }: Pick<ContainerSpec, 'cpuMillis' | 'memoryBytes'>,
  nodes: { cpuMillis: number; memoryBytes: number }[],
): void {
  if (nodes.some((has) => has.cpuMillis >= cpuMillis && has.memoryBytes >= memoryBytes)) return
  throw new EngineError('RESOURCE_LIMIT_EXCEEDED', 'no node of the swarm is as large as this job', {
    reason: 'not-as-offered',
    resource: 'cpu',
  })
}
