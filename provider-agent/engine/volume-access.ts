/**
 * The way to what is in a volume that outlives its job, whether a job has it or not. The engine itself reads and writes it, in
 * a container that has nothing but the volume and is never started: so no program runs, engines on other machines do it
 * too, and a link in the volume leads nowhere but into that container.
 */

import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { pack } from 'tar-stream'
import { type Abort, askEngine } from './ask-engine.ts'
import { checkName } from './container/spec.ts'
import { statusOf } from './errors.ts'
import { importImage } from './import-image.ts'
import { type AbortOptions, EngineError } from './index.ts'
import { filesLabel, keptLabel, ownerLabel } from './labels.ts'
import { removeContainer } from './removal.ts'
import { volumeBytes } from './storage/storage.ts'

/** Where such a container has the volume. */
export const VOLUME_PATH = '/volume'

/** Begins the names of such containers. */
const PREFIX = 'cortex-volume-files-'
/** The empty image that they are made of; each agent has its own. */
const REPOSITORY = 'cortex-node/volume-files'
/** How long the engine may take to make it, in ms. */
const IMAGE_MS = 60_000

/** A container that has the volume at {@link VOLUME_PATH}; gone once it is disposed of. */
export interface OpenVolume extends AsyncDisposable {
  /** For `FileAccess`. */
  readonly container: string
}

/** What is done with such volumes. Engines' errors are {@link EngineError}, with `details.reason: 'volume-lost'` where there is none. */
export interface VolumeAccess {
  /** @param volume its name on the engine */
  open(volume: string, how: { readOnly: boolean }, options?: AbortOptions): Promise<OpenVolume>
  /** What it takes of the disk, in bytes, measured as a job's volumes are. */
  measure(volume: string, options?: AbortOptions): Promise<number>
  /** Removes what this agent has made for it: at the start what one left that was killed, at the end the rest. */
  clear(options?: AbortOptions): Promise<void>
}

/** @param init.owner peer id that marks what is made on the engine */
export function createVolumeAccess(docker: Docker, { owner }: { owner: string }): VolumeAccess {
  const image = imageOf(owner)
  let making: Promise<void> | null = null

  /** One at a time: two that are made at once would both be kept by the engine, one of them without a name. */
  async function ensureImage(): Promise<void> {
    making ??= makeImage(docker, image, { abortSignal: AbortSignal.timeout(IMAGE_MS) }).finally(() => {
      making = null
    })
    await making
  }

  return {
    open: (volume, { readOnly }, { signal } = {}) =>
      askEngine(`opening the volume ${volume}`, signal, async (abort) => {
        await assertKept(docker, volume, owner, abort)
        await ensureImage()
        const name = `${PREFIX}${randomBytes(8).toString('hex')}`
        const container = await docker.createContainer({
          ...{ name, Image: image, Entrypoint: ['none'], Cmd: [], Labels: { [filesLabel]: owner } },
          HostConfig: {
            NetworkMode: 'none',
            Mounts: [
              {
                ...{ Type: 'volume' as const, Source: volume, Target: VOLUME_PATH, ReadOnly: readOnly },
                VolumeOptions: { NoCopy: true },
              },
            ],
          },
          ...abort,
          // Its types want options of volumes that engines leave out.
        } as unknown as Docker.ContainerCreateOptions)
        const dispose = async (): Promise<void> => await removeContainer(container, {})
        try {
          // The engine makes what is missing: where the volume went meanwhile, an empty one has its name.
          await assertKept(docker, volume, owner, abort)
        } catch (error) {
          await dispose()
          await docker.getVolume(volume).remove()
          throw error
        }
        return { container: name, [Symbol.asyncDispose]: dispose }
      }),

    measure: (volume, { signal } = {}) =>
      askEngine(`measuring the volume ${volume}`, signal, async (abort) => {
        checkName(volume)
        return await volumeBytes(docker, volume, abort)
      }),

    clear: async ({ signal } = {}) => await clearVolumeFiles(docker, owner, signal),
  }
}

/** Removes what an agent has made to reach into volumes, and nothing else of it. */
export async function clearVolumeFiles(docker: Docker, owner: string, signal?: AbortSignal): Promise<void> {
  await askEngine('removing what reached into volumes', signal, async (abort) => {
    const filters = { label: [`${filesLabel}=${owner}`] }
    for (const { Id: id } of await docker.listContainers({ all: true, filters, ...abort })) {
      await removeContainer(docker.getContainer(id), abort)
    }
    try {
      await docker.getImage(imageOf(owner)).remove(abort)
    } catch (error) {
      if (statusOf(error) !== 404) throw error
    }
  })
}

function imageOf(owner: string): string {
  return `${REPOSITORY}:${owner.slice(-32)}`
}

/** @throws {EngineError} where the engine has no volume of that name that this agent keeps */
async function assertKept(docker: Docker, volume: string, owner: string, abort: Abort): Promise<void> {
  checkName(volume)
  try {
    const { Labels: labels } = await docker.getVolume(volume).inspect(abort)
    if (labels?.[keptLabel] !== undefined && labels[ownerLabel] === owner) return
  } catch (error) {
    if (statusOf(error) !== 404) throw error
  }
  throw new EngineError('ENGINE_ERROR', `no volume ${volume}`, { reason: 'volume-lost' })
}

async function makeImage(docker: Docker, image: string, abort: Abort): Promise<void> {
  try {
    await docker.getImage(image).inspect(abort as object)
    return
  } catch (error) {
    if (statusOf(error) !== 404) throw error
  }
  const empty = pack()
  empty.finalize()
  await importImage(docker, image, await buffer(empty), abort)
}
