import type Docker from 'dockerode'
import { askEngine } from '../ask-engine.ts'
import { statusOf } from '../errors.ts'
import type { AbortOptions, PulledImage, RemovedImage } from '../index.ts'

/** Removes an image by the names that pulls gave it, never by force: what anybody else uses or has named stays. */
export async function removeImage(
  docker: Docker,
  { imageId, names }: PulledImage,
  { signal }: AbortOptions = {},
): Promise<RemovedImage> {
  return await askEngine(`removing image ${imageId}`, signal, async () => {
    for (const name of names) {
      // Somebody may have given the name to another image since.
      if ((await find(docker, name))?.Id === imageId && !(await removed(docker, name))) return 'in-use'
    }
    const left = await find(docker, imageId)
    if (left === null) return 'removed'
    if ((left.RepoTags ?? []).length > 0) return 'named-by-others'
    return (await removed(docker, imageId)) ? 'removed' : 'in-use'
  })
}

async function find(docker: Docker, image: string): Promise<Docker.ImageInspectInfo | null> {
  try {
    return await docker.getImage(image).inspect()
  } catch (error) {
    if (statusOf(error) === 404) return null
    throw error
  }
}

/** False where a container has it, running or not. */
async function removed(docker: Docker, image: string): Promise<boolean> {
  try {
    await docker.getImage(image).remove()
    return true
  } catch (error) {
    const status = statusOf(error)
    if (status === 404) return true
    if (status === 409) return false
    throw error
  }
}
