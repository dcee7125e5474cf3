import type Docker from 'dockerode'
import { type Abort, askEngine } from '../ask-engine.ts'
import { checkName, labelsOf } from '../container/spec.ts'
import { statusOf } from '../errors.ts'
import { type AbortOptions, type ContainerEngine, type ContainerSpec, EngineError } from '../index.ts'
import { keptLabel, ownerLabel } from '../labels.ts'
import { removeHeld } from './btrfs.ts'
import { holdVolume, type VolumeQuota, volumeOptions } from './volume-quota.ts'

/** Labels that a volume must share with the container that takes it: nobody gets what another left. */
const identity = ['cortex.job', 'cortex.requester', ownerLabel]
/** The same of one that outlives its job. */
const keptIdentity = [keptLabel, 'cortex.requester', ownerLabel]

/**
 * Makes the volumes of a container that are not there yet, and holds each to its size as far as `quota` does.
 *
 * @returns the container with the names that they have
 */
export async function createVolumes(
  docker: Docker,
  spec: ContainerSpec,
  quota: VolumeQuota | null,
  abort: Abort,
): Promise<ContainerSpec> {
  const volumes = []
  for (const volume of spec.volumes ?? []) {
    const { sizeBytes, formerName, kept } = volume
    const labels: Record<string, string> = { ...labelsOf(spec), ...(kept !== undefined && { [keptLabel]: kept.id }) }
    const isItsOwn = (there: Labels): boolean =>
      (kept === undefined ? identity : keptIdentity).every((label) => there?.[label] === labels[label])
    if (kept?.isThere === true && (await labelsThere(docker, volume.name, abort)) === null) {
      const told = `The volume ${kept.id} is not there any more: its provider has lost it.`
      throw new EngineError('ENGINE_ERROR', `no volume ${volume.name}`, { reason: 'volume-lost' }, { told })
    }
    const former = formerName === undefined ? null : await labelsThere(docker, formerName, abort)
    const name = formerName !== undefined && former !== null && isItsOwn(former) ? formerName : volume.name
    checkName(name)
    volumes.push({ ...volume, name })
    const wanted = {
      ...{ Name: name, Driver: 'local', Labels: { ...labels, 'cortex.bytes': String(sizeBytes) } },
      DriverOpts: volumeOptions(quota, sizeBytes),
    }
    await docker.createVolume({ ...wanted, ...abort })
    const { Labels: there } = await docker.getVolume(name).inspect(abort)
    if (!isItsOwn(there)) {
      throw new EngineError('ENGINE_ERROR', `the volume ${name} is somebody else's`, { reason: 'name-taken' })
    }
    await holdVolume(docker, quota, { name, sizeBytes }, abort)
  }
  return { ...spec, ...(spec.volumes !== undefined && { volumes }) }
}

type Labels = Record<string, string> | null | undefined

/** Those of a volume; null where there is none of that name. */
async function labelsThere(docker: Docker, name: string, abort: Abort): Promise<Labels> {
  checkName(name)
  try {
    return (await docker.getVolume(name).inspect(abort)).Labels ?? {}
  } catch (error) {
    if (statusOf(error) === 404) return null
    throw error
  }
}

/** What a {@link ContainerEngine} does with volumes apart from containers. */
export function createVolumeSteps(docker: Docker): Pick<ContainerEngine, 'volumes' | 'removeVolume'> {
  return {
    volumes: (owner, { signal }: AbortOptions = {}) =>
      askEngine('listing volumes', signal, async (abort) => {
        const filters = { label: [`${ownerLabel}=${owner}`] }
        const { Volumes: found } = await docker.listVolumes({ filters, ...abort } as Docker.VolumeListOptions)
        return (found ?? []).map(({ Name: name, Labels: labels }) => ({ name, labels: labels ?? {} }))
      }),

    removeVolume: (name, { signal }: AbortOptions = {}) =>
      askEngine(`removing the volume ${name}`, signal, async (abort) => {
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
