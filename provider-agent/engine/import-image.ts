import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type Docker from 'dockerode'
import type { Abort } from './ask-engine.ts'
import { statusOf } from './errors.ts'

/** What Podman calls all that is imported, whatever name it is told. */
const PODMANS_TAG = 'latest'

/** Makes an image of the files in a tar. @param image its name, with a tag */
export async function importImage(docker: Docker, image: string, tar: Buffer, abort: Abort): Promise<void> {
  const at = image.lastIndexOf(':')
  const [repo, tag] = [image.slice(0, at), image.slice(at + 1)]
  await buffer(await docker.importImage(Readable.from([tar]), { repo, tag, ...abort }))
  try {
    await docker.getImage(image).inspect(abort as Docker.ImageInspectOptions)
  } catch (error) {
    if (statusOf(error) !== 404) throw error
    const other = docker.getImage(`${repo}:${PODMANS_TAG}`)
    await other.tag({ repo, tag, ...abort })
    await other.remove(abort)
  }
}
