import { stat } from 'node:fs/promises'
import type Docker from 'dockerode'
import { type Abort, askEngine } from '../ask-engine.ts'
import { checkName } from '../container/spec.ts'
import type { AbortOptions, StorageUse } from '../index.ts'
import { INPUT_PREFIX } from '../input-volumes.ts'
import { processFolder, writtenFolder } from '../usage/kernel-view.ts'
import { containerFolder } from './btrfs.ts'
import { folderBytes, leastFileBytes, subvolumeBytes } from './folder-size.ts'
import { type HiddenBytes, hiddenBytes } from './hidden-files.ts'

/** The fields of the engine's answer that are read here; dockerode's types lack some. */
interface Inspected {
  Id: string
  State: { Pid: number; StartedAt: string }
  /** Files of the engine's own that are mounted over those of the image; where it is in a sandbox, the sandbox's. */
  HostsPath?: string
  ResolvConfPath?: string
  HostnamePath?: string
  SizeRw?: number
  GraphDriver: { Name: string; Data: Record<string, string> | null }
  Mounts: { Type: string; Name?: string; Source: string; RW?: boolean }[]
  HostConfig: { Mounts?: { Source: string }[] | null; StorageOpt?: Record<string, string> | null }
}

interface DiskUse {
  Volumes: { Name: string; UsageData?: { Size: number } }[] | null
}

/**
 * What a container and its volumes take of the disk, see `ContainerEngine.storage`. Looks at the folders themselves
 * where they are on this machine and may be read, which is cheapest, and else asks the engine.
 */
export async function readStorage(
  docker: Docker,
  name: string,
  { signal, all = false, around = false }: AbortOptions & { all?: boolean; around?: boolean } = {},
): Promise<Omit<StorageUse, 'areVolumesHeld'>> {
  return await askEngine(`measuring ${name}`, signal, async (abort) => {
    checkName(name)
    const container = (await docker.getContainer(name).inspect(abort)) as unknown as Inspected
    // What a job brings and may write counts as its own.
    const isOfJob = ({ Source: name }: { Source: string }): boolean => !name.startsWith(INPUT_PREFIX)
    const named = new Set((container.HostConfig.Mounts ?? []).filter(isOfJob).map(({ Source }) => Source))
    const volumes: Record<string, number> = {}
    const mounted = container.Mounts.filter(({ Type: type, RW: writable }) => type === 'volume' && writable !== false)
    const hidden = await hiddenBytes(container, around || all, signal)
    let anonymousBytes = 0
    for (const mount of mounted) {
      const bytes = await bytesOf(docker, { folder: mount.Source, name: mount.Name ?? '' }, abort)
      if (named.has(mount.Name ?? '')) volumes[mount.Name ?? ''] = bytes
      else anonymousBytes += bytes // An image's own; a driver's limit does not hold them.
    }
    await addHidden(
      hidden,
      mounted.filter(({ Name: volume = '' }) => named.has(volume)),
      volumes,
    )
    const rest = [...hidden.values()].reduce((sum, bytes) => sum + bytes, 0)
    const isHeld = container.HostConfig.StorageOpt?.size !== undefined
    const layer = await (async () => {
      if (!isHeld || all) return await layerBytes(docker, name, container, signal)
      return around ? await freeBytes(docker, name, container, abort) : 0
    })()
    const engineFiles = await engineFileBytes(docker, name, container, abort)
    return { ownBytes: anonymousBytes + layer + rest + engineFiles, volumes, isHeld }
  })
}

/**
 * Moves what is hidden on the devices of named volumes to those. Volumes of one device are told apart by nothing, so the one
 * of them that has most in it is taken: all together get no more than all together may have.
 */
async function addHidden(hidden: HiddenBytes, named: Inspected['Mounts'], volumes: StorageUse['volumes']) {
  const devices = await Promise.all(
    named.map(async ({ Name: name = '', Source: path }) => {
      const found = await stat(path).catch(() => null) // another machine's
      return { name, device: found?.dev ?? null }
    }),
  )
  for (const [device, bytes] of hidden) {
    const [first] = devices
      .filter((one) => one.device === device)
      .toSorted((a, b) => (volumes[b.name] ?? 0) - (volumes[a.name] ?? 0))
    if (first === undefined) continue
    volumes[first.name] = (volumes[first.name] ?? 0) + bytes
    hidden.delete(device)
  }
}

/** What was written into the engine's own files for the container, beyond what it puts there itself. */
async function engineFileBytes(
  docker: Docker,
  name: string,
  { HostsPath, ResolvConfPath, HostnamePath, State: state }: Inspected,
  abort: Abort,
): Promise<number> {
  const files: [here: string | undefined, inside: string][] = [
    [HostsPath, '/etc/hosts'],
    [ResolvConfPath, '/etc/resolv.conf'],
    [HostnamePath, '/etc/hostname'],
  ]
  const sizes = files.map(async ([here, inside]) => {
    if (here === undefined || here === '') return 0
    const found = await stat(here).catch(() => null)
    if (found !== null) return found.blocks * 512
    return state.Pid === 0 ? 0 : await askFile(docker, name, inside, abort)
  })
  return (await Promise.all(sizes)).reduce((sum, bytes) => sum + Math.max(0, bytes - leastFileBytes), 0)
}

/** The length of a file of a container, as its engine on another machine tells it; 0 where it does not. */
async function askFile(docker: Docker, name: string, path: string, { abortSignal: signal }: Abort): Promise<number> {
  const container = docker.getContainer(name)
  const answer = (await container.infoArchive({ path }).catch(() => null)) as {
    headers?: Record<string, string>
  } | null
  signal?.throwIfAborted()
  const header = answer?.headers?.['x-docker-container-path-stat'] ?? ''
  const told: unknown = header === '' ? null : JSON.parse(Buffer.from(header, 'base64').toString())
  const size = (told as { size?: unknown } | null)?.size
  return typeof size === 'number' ? size : 0
}

async function layerBytes(
  docker: Docker,
  name: string,
  container: Inspected,
  signal: AbortSignal | undefined,
): Promise<number> {
  const folder = container.GraphDriver.Data?.UpperDir ?? (await mountedFolder(container))
  const bytes = folder === null ? null : await folderBytes(folder, signal)
  if (bytes !== null) return bytes
  // dockerode hands every option on; its types do not know this one.
  const ask = { size: true, ...(signal === undefined ? {} : { abortSignal: signal }) } as Docker.ContainerInspectOptions
  const { SizeRw: size } = (await docker.getContainer(name).inspect(ask)) as unknown as Inspected
  return size ?? 0
}

/** Of a container that runs here. */
async function mountedFolder(container: Inspected): Promise<string | null> {
  const processes = await processFolder(container)
  return processes === null ? null : await writtenFolder(processes)
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

/** What a named volume takes of the disk, in bytes, whoever has it. */
export async function volumeBytes(docker: Docker, name: string, abort: Abort): Promise<number> {
  const { Mountpoint: folder } = await docker.getVolume(name).inspect(abort)
  return await bytesOf(docker, { folder, name }, abort)
}

async function bytesOf(docker: Docker, { folder, name }: { folder: string; name: string }, abort: Abort) {
  return (await folderBytes(folder, abort.abortSignal)) ?? (await askVolume(docker, name, abort))
}

/** The engine has no cheaper way to tell than to measure everything. */
async function askVolume(docker: Docker, name: string, abort: Abort): Promise<number> {
  // dockerode hands every option on; its types do not know these.
  const ask = docker.df.bind(docker) as unknown as (options: object) => Promise<DiskUse>
  const { Volumes: all } = await ask({ type: ['volume'], ...abort })
  return Math.max(0, all?.find((volume) => volume.Name === name)?.UsageData?.Size ?? 0)
}
