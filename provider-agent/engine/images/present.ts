import type Docker from 'dockerode'
import { orAborted } from '../../../node/abort.ts'
import { registryOf } from '../../../protocol/image-registry.ts'
import type { Grant } from '../../images/grants.ts'
import { OWN_NAMES, pulledName } from '../../images/names.ts'
import { askEngine } from '../ask-engine.ts'
import { statusOf } from '../errors.ts'
import type { PullRequest } from '../index.ts'
import type { ImageReference } from '../reference.ts'

/** The image as it is on the engine now, or null. */
export async function findImage(docker: Docker, name: string, signal: AbortSignal | undefined) {
  return askEngine(`looking for image ${name}`, signal, async () => {
    try {
      return await orAborted(docker.getImage(name).inspect(), signal)
    } catch (error) {
      if (statusOf(error) === 404) return null
      throw error
    }
  })
}

/** An image that the owner lets run by its name, whatever a registry says. */
export async function findLocal(
  docker: Docker,
  reference: ImageReference,
  request: PullRequest,
  signal: AbortSignal | undefined,
) {
  const isOwn = registryOf(reference.repository).path.startsWith(OWN_NAMES)
  if (request.mayUseLocal !== true || request.policy === 'Always' || isOwn) return null
  return await findImage(docker, reference.full, signal)
}

/** What was pulled from there before, by this agent or by the owner. */
export async function findPulled(
  docker: Docker,
  { repository, digest }: Grant,
  { reference, platform }: { reference: ImageReference; platform: string },
  signal: AbortSignal | undefined,
) {
  for (const name of [true, false].map((isPublic) => pulledName(repository, digest, isPublic, platform))) {
    const image = await findImage(docker, name, signal)
    if (image !== null) return { image, names: [name] }
  }
  const image = await findImage(docker, `${reference.repository}@${digest}`, signal)
  return image === null ? null : { image, names: [] }
}
