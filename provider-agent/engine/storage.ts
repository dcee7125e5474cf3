import type Docker from 'dockerode'
import { containerFolder } from './btrfs.ts'
import { type Abort, call } from './call.ts'
import { folderBytes, subvolumeBytes } from './folder-size.ts'
import type { AbortOptions, StorageUse } from './index.ts'
import { checkName } from './spec.ts'

/** The fields of the engine's answer that are read here; dockerode's types lack some. */
interface Inspected {
  SizeRw?: number
  GraphDriver: { Name: string; Data: Record<string, string> | null }
  Mounts: { Type: string; Name?: string; Source: string }[]
  HostConfig: { Mounts?: { Source: string }[] | null; StorageOpt?: Record<string, string> | null }
}

interface DiskUse {
  Volumes: { Name: string; UsageData?: { Size: number } }[] | null
}

/**
 * What a container and its volumes take of the disk, see {@link ContainerEngine.storage}. Looks at the folders themselves
 * where they are on this machine and may be read, which is cheapest, and else asks the engine.
 */
export async function readStorage(
  docker: Docker,
  name: string,
  { signal, all = false, around = false }: AbortOptions & { all?: boolean; around?: boolean } = {},
): Promise<Omit<StorageUse, 'areVolumesHeld'>> {
  return await call(`measuring ${name}`, signal, async (abort) => {
    checkName(name)
    const container = (await docker.getContainer(name).inspect(abort)) as unknown as Inspected
    const named = new Set((container.HostConfig.Mounts ?? []).map(({ Source }) => Source))
    const volumes: Record<string, number> = {}
    let anonymousBytes = 0
    for (const mount of container.Mounts.filter(({ Type: type }) => type === 'volume')) {
      const bytes = (await folderBytes(mount.Source, signal)) ?? (await askVolume(docker, mount.Name ?? '', abort))
      if (named.has(mount.Name ?? '')) volumes[mount.Name ?? ''] = bytes
      else anonymousBytes += bytes // An image's own; a driver's limit does not hold them.
    }
    const isHeld = container.HostConfig.StorageOpt?.size !== undefined
    const layer = await (async () => {
      if (!isHeld || all) return await layerBytes(docker, name, container, signal)
      return around ? await freeBytes(docker, name, container, abort) : 0
    })()
    return { ownBytes: anonymousBytes + layer, volumes, isHeld }
  })
}

async function layerBytes(
  docker: Docker,
  name: string,
  { GraphDriver: driver }: Inspected,
  signal: AbortSignal | undefined,
): Promise<number> {
  const folder = driver.Data?.UpperDir
  const bytes = folder === undefined ? null : await folderBytes(folder, signal)
  if (bytes !== null) return bytes
  // dockerode hands every option on; its types do not know this one.
  const ask = { size: true, ...(signal === undefined ? {} : { abortSignal: signal }) } as Docker.ContainerInspectOptions
  const { SizeRw: size } = (await docker.getContainer(name).inspect(ask)) as unknown as Inspected
  return size ?? 0
}

/** What a container that the storage driver holds may have put where it does not. Nothing where that cannot be looked at. */
async function freeBytes(
  docker: Docker,
  name: string,
  { GraphDriver: driver }: Inspected,
  abort: Abort,
): Promise<number> {
  const { abortSignal: signal } = abort
  const folder = driver.Data?.UpperDir
  if (folder !== undefined) return (await folderBytes(folder, signal)) ?? 0
  return driver.Name === 'btrfs' ? await subvolumeBytes(await containerFolder(docker, name, abort), signal) : 0
}

/** The engine has no cheaper way to tell than to measure everything. */
async function askVolume(docker: Docker, name: string, abort: Abort): Promise<number> {
  // dockerode hands every option on; its types do not know these.
  const ask = docker.df.bind(docker) as unknown as (options: object) => Promise<DiskUse>
  const { Volumes: all } = await ask({ type: ['volume'], ...abort })
  return Math.max(0, all?.find((volume) => volume.Name === name)?.UsageData?.Size ?? 0)
}
