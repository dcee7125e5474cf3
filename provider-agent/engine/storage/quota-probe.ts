import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { pack as packTar } from 'tar-stream'
import type { Abort } from '../ask-engine.ts'
import { toEngineError } from '../errors.ts'
import { importImage } from '../import-image.ts'
import { EngineError } from '../index.ts'

/** How a storage driver counts that holds containers to a size. */
export interface StorageQuota {
  /** Whether an image's own size counts towards the limit of its containers. */
  countsImage: boolean
}

const MiB = 2 ** 20
/** Size of the image that is made to try it, in bytes. */
const imageBytes = 6 * MiB
/** How the names of such images begin. */
const REPOSITORY = 'cortex-node/probe-'
/** Older images of that kind are not being tried any more, in seconds. */
const FORGOTTEN_SECONDS = 3_600

/**
 * Finds out whether the storage driver holds a container to a size, by writing more into one: by the driver's name it
 * cannot be told, and an engine may take the option and do nothing. Null where it does not. Where the driver refuses the
 * option outright, which is the most common, this costs one call.
 */
export async function probeQuota(
  docker: Docker,
  labels: Record<string, string>,
  abort: Abort,
): Promise<StorageQuota | null> {
  const [present] = await docker.listImages(abort)
  if (present !== undefined) {
    const container = await tryCreate(docker, present.Id, MiB, labels, abort)
    if (container === null) return null
    if (container !== 'full') await container.remove({ force: true, v: true })
  }
  const image = await makeImage(docker, abort)
  try {
    // A limit below the image's own size: where little can be written all the same, the image does not count.
    for (const countsImage of [false, true]) {
      const limit = 4 * MiB + (countsImage ? imageBytes + 4 * MiB : 0)
      const container = await tryCreate(docker, image, limit, labels, abort)
      if (container === null) return null
      if (container === 'full') continue
      try {
        const takesLittle = await canWrite(container, MiB, abort)
        if (takesLittle) return (await canWrite(container, 16 * MiB, abort)) ? null : { countsImage }
      } finally {
        await container.remove({ force: true, v: true })
      }
    }
    return null
  } finally {
    await docker.getImage(image).remove({ force: true })
  }
}

/** A container that is never started; null where the engine takes no size, `full` where the image alone is more. */
async function tryCreate(
  docker: Docker,
  image: string,
  bytes: number,
  labels: Record<string, string>,
  abort: Abort,
): Promise<Docker.Container | 'full' | null> {
  try {
    return await docker.createContainer({
      Image: image,
      Entrypoint: ['none'],
      Labels: labels,
      HostConfig: { NetworkMode: 'none', StorageOpt: { size: String(bytes) } },
      ...abort,
    } as Docker.ContainerCreateOptions)
  } catch (error) {
    return refused(error, abort, toEngineError(error, '').code === 'RESOURCE_LIMIT_EXCEEDED' ? 'full' : null)
  }
}

/** Whether a file of so many bytes can be put into a container. @param folder absolute, @default the root */
export async function canWrite(
  container: Docker.Container,
  bytes: number,
  abort: Abort,
  folder = '/',
): Promise<boolean> {
  try {
    const archive = Readable.from([await tarOf(`probe-${bytes}`, bytes)])
    await container.putArchive(archive, { path: folder, ...abort })
    return true
  } catch (error) {
    return refused(error, abort, false)
  }
}

/** An image of one file, to be removed by the caller; answers its name. Those that agents left that were killed go. */
export async function makeImage(docker: Docker, abort: Abort): Promise<string> {
  await removeForgotten(docker, abort)
  const image = `${REPOSITORY}${randomBytes(6).toString('hex')}:1`
  await importImage(docker, image, await tarOf('image', imageBytes), abort)
  return image
}

/** Whose they were is not known: what is as old as that is nobody's any more. */
async function removeForgotten(docker: Docker, abort: Abort): Promise<void> {
  const filters = { reference: [`${REPOSITORY}*`] }
  const before = Date.now() / 1000 - FORGOTTEN_SECONDS
  const forgotten = (await docker.listImages({ filters, ...abort })).filter(({ Created: at }) => at < before)
  // Where one is in use all the same, the next look finds it again.
  for (const { Id: id } of forgotten)
    await docker
      .getImage(id)
      .remove(abort)
      .catch(() => undefined)
}

/** Random, so that no file system stores less. */
async function tarOf(name: string, bytes: number): Promise<Buffer> {
  const tar = packTar()
  tar.entry({ name, mode: 0o600 }, randomBytes(bytes))
  tar.finalize()
  return await buffer(tar)
}

/** What stands for the engine's own no; anything else that went wrong is thrown, as is that nobody waits any more. */
function refused<T>(error: unknown, { abortSignal }: Abort, value: T): T {
  abortSignal?.throwIfAborted()
  if (error instanceof EngineError || toEngineError(error, '').code === 'ENGINE_UNAVAILABLE') throw error
  return value
}
