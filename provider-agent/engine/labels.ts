/** Marks what an agent made; its value is the agent's peer id. */
export const ownerLabel = 'org.cortex-node.owner'

/** Of a volume that outlives its job: its id. */
export const keptLabel = 'org.cortex-node.kept'

/** Marks a container that is there to reach into a volume, and is never started; its value is the agent's peer id. */
export const filesLabel = 'org.cortex-node.files'

/** Of a container: the uuids of its GPUs, with commas between. */
export const gpusLabel = 'org.cortex-node.gpus'

/** Uuids of the GPUs that a container has. */
export function gpusOf(labels: Record<string, string> | null | undefined): string[] {
  return (labels?.[gpusLabel] ?? '').split(',').filter((uuid) => uuid !== '')
}
