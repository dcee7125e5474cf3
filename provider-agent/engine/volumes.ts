import type Docker from 'dockerode'
import { type Abort, call } from './call.ts'
import { statusOf } from './errors.ts'
import { type AbortOptions, type ContainerEngine, type ContainerSpec, EngineError } from './index.ts'
import { checkName, labelsOf, ownerLabel } from './spec.ts'

/** Labels of a job that a volume must share with the container that takes it: nobody gets what another left. */
const identity = ['cortex.job', 'cortex.requester', ownerLabel]

/** Makes the volumes of a container that are not there yet. */
export async function createVolumes(docker: Docker, spec: ContainerSpec, abort: Abort): Promise<void> {
  const labels = labelsOf(spec)
  for (const { name, sizeBytes } of spec.volumes ?? []) {
    checkName(name)
    const wanted = { Name: name, Driver: 'local', Labels: { ...labels, 'cortex.bytes': String(sizeBytes) } }
    await docker.createVolume({ ...wanted, ...abort })
    const { Labels: there } = await docker.getVolume(name).inspect(abort)
    if (identity.every((label) => there?.[label] === labels[label])) continue
    throw new EngineError('ENGINE_ERROR', `the volume ${name} is somebody else's`, { reason: 'name-taken' })
  }
}

export function createVolumeSteps(docker: Docker): Pick<ContainerEngine, 'volumes' | 'removeVolume'> {
  return {
    volumes: (owner, { signal }: AbortOptions = {}) =>
      call('listing volumes', signal, async (abort) => {
        const filters = { label: [`${ownerLabel}=${owner}`] }
        const { Volumes: found } = await docker.listVolumes({ filters, ...abort } as Docker.VolumeListOptions)
        return (found ?? []).map(({ Name: name, Labels: labels }) => ({ name, labels: labels ?? {} }))
      }),

    removeVolume: (name, { signal }: AbortOptions = {}) =>
      call(`removing the volume ${name}`, signal, async (abort) => {
        checkName(name)
        try {
          await docker.getVolume(name).remove(abort)
        } catch (error) {
          if (statusOf(error) !== 404) throw error
        }
      }),
  }
}
