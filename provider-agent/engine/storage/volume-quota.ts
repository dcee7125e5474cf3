import type Docker from 'dockerode'
import type { Abort } from '../ask-engine.ts'
import { toEngineError } from '../errors.ts'
import { EngineError } from '../index.ts'
import { PROBE_PREFIX, probeName } from '../probe-name.ts'
import { holdFolder } from './btrfs.ts'
import { canWrite, makeImage } from './quota-probe.ts'

/**
 * How volumes are held to their sizes: by an option of the engine's own driver, which wants a file system with project
 * quotas (XFS), or each as a btrfs subvolume with a limit that this process sets.
 */
export type VolumeQuota = 'engine' | 'btrfs'

const MiB = 2 ** 20
/** How long an engine may take to remove one, in ms. */
const REMOVAL_MS = 30_000

/** What the driver is told of a volume's size. */
export function volumeOptions(quota: VolumeQuota | null, sizeBytes: number): Record<string, string> {
  return quota === 'engine' ? { size: String(sizeBytes) } : {}
}

/** Holds a volume that the engine has made, where the engine itself does not. */
export async function holdVolume(
  docker: Docker,
  quota: VolumeQuota | null,
  { name, sizeBytes }: { name: string; sizeBytes: number },
  abort: Abort,
): Promise<void> {
  if (quota !== 'btrfs') return
  const { Mountpoint: path } = await docker.getVolume(name).inspect(abort)
  try {
    await holdFolder(path, sizeBytes, abort.abortSignal)
  } catch (cause) {
    // Of this machine's files, which say nothing of the engine.
    const message = `holding volume ${name} to its size: ${(cause as Error).message}`
    throw new EngineError('ENGINE_ERROR', message, { reason: 'volume-quota' }, { cause })
  }
}

/**
 * Finds out what holds volumes to a size, by writing more into one; null where nothing does. Leaves nothing, not even where
 * it is broken off, and takes away what an agent left that was killed here.
 */
export async function probeVolumeQuota(
  docker: Docker,
  labels: Record<string, string>,
  abort: Abort,
): Promise<VolumeQuota | null> {
  await removeEarlier(docker, labels, abort)
  for (const quota of ['engine', 'btrfs'] as const) if (await holds(docker, quota, labels, abort)) return quota
  return null
}

async function holds(
  docker: Docker,
  quota: VolumeQuota,
  labels: Record<string, string>,
  abort: Abort,
): Promise<boolean> {
  const name = probeName()
  const sizeBytes = 4 * MiB
  try {
    const options = { Name: name, Driver: 'local', DriverOpts: volumeOptions(quota, sizeBytes), Labels: labels }
    await docker.createVolume({ ...options, ...abort })
    await holdVolume(docker, quota, { name, sizeBytes }, abort)
  } catch (error) {
    // Mostly there is none.
    await remove(docker, name).catch(() => undefined)
    abort.abortSignal?.throwIfAborted()
    if (toEngineError(error, '').code === 'ENGINE_UNAVAILABLE') throw error
    return false
  }
  try {
    return await stopsWriting(docker, name, labels, abort)
  } finally {
    await remove(docker, name)
  }
}

/** Whether or not the probe was broken off: what has begun is cleared away. */
async function remove(docker: Docker, name: string): Promise<void> {
  await docker.getVolume(name).remove({ abortSignal: AbortSignal.timeout(REMOVAL_MS) })
}

/** Those of the same labels, hence of the same agent, which tries one at a time. */
async function removeEarlier(docker: Docker, labels: Record<string, string>, abort: Abort): Promise<void> {
  const filters = { name: [PROBE_PREFIX], label: Object.entries(labels).map(([label, value]) => `${label}=${value}`) }
  const { Volumes: found } = await docker.listVolumes({ filters, ...abort } as Docker.VolumeListOptions)
  // Where one cannot go yet, the next look finds it again.
  for (const { Name: name } of found ?? []) await remove(docker, name).catch(() => undefined)
}

/** Whether a little can be written into a volume, and no more. */
async function stopsWriting(
  docker: Docker,
  volume: string,
  labels: Record<string, string>,
  abort: Abort,
): Promise<boolean> {
  const image = await makeImage(docker, abort)
  try {
    const mounts = [{ Type: 'volume' as const, Source: volume, Target: '/volume' }]
    const container = await docker.createContainer({
      ...{ Image: image, Entrypoint: ['none'], Labels: labels },
      HostConfig: { NetworkMode: 'none', Mounts: mounts },
      ...abort,
    } as Docker.ContainerCreateOptions)
    try {
      const takesLittle = await canWrite(container, MiB, abort, '/volume')
      return takesLittle && !(await canWrite(container, 16 * MiB, abort, '/volume'))
    } finally {
      await container.remove({ force: true })
    }
  } finally {
    await docker.getImage(image).remove({ force: true })
  }
}
