import type Docker from 'dockerode'
import { removeHeld } from './btrfs.ts'
import { type Abort, call } from './call.ts'
import { statusOf } from './errors.ts'
import { type AbortOptions, type ContainerEngine, type ContainerSpec, EngineError } from './index.ts'
import { checkName, labelsOf, ownerLabel } from './spec.ts'
import { holdVolume, type VolumeQuota, volumeOptions } from './volume-quota.ts'

/** Labels of a job that a volume must share with the container that takes it: nobody gets what another left. */
const identity = ['cortex.job', 'cortex.requester', ownerLabel]

/** Makes the volumes of a container that are not there yet, and holds each to its size as far as `quota` does. */
export async function createVolumes(
  docker: Docker,
  spec: ContainerSpec,
  quota: VolumeQuota | null,
  abort: Abort,
): Promise<void> {
  const labels = labelsOf(spec)
  for (const { name, sizeBytes } of spec.volumes ?? []) {
    checkName(name)
    const wanted = {
      ...{ Name: name, Driver: 'local', Labels: { ...labels, 'cortex.bytes': String(sizeBytes) } },
      DriverOpts: volumeOptions(quota, sizeBytes),
    }
    await docker.createVolume({ ...wanted, ...abort })
    const { Labels: there } = await docker.getVolume(name).inspect(abort)
    if (!identity.every((label) => there?.[label] === labels[label])) {
      throw new EngineError('ENGINE_ERROR', `the volume ${name} is somebody else's`, { reason: 'name-taken' })
    }
    await holdVolume(docker, quota, { name, sizeBytes }, abort)
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
          const volume = docker.getVolume(name)
          const remove = async (): Promise<void> => await volume.remove(abort)
          await removeHeld(remove, async () => (await volume.inspect(abort)).Mountpoint, signal)
        } catch (error) {
          if (statusOf(error) !== 404) throw error
        }
      }),
  }
}
