import type Docker from 'dockerode'
import type { Abort } from '../ask-engine.ts'
import { statusOf } from '../errors.ts'
import { EngineError } from '../index.ts'
import { checkName } from './spec.ts'

/** The container as it is now, or null. */
export async function findContainer(
  docker: Docker,
  name: string,
  abort: Abort,
): Promise<Docker.ContainerInspectInfo | null> {
  checkName(name)
  try {
    return await docker.getContainer(name).inspect(abort)
  } catch (error) {
    if (statusOf(error) === 404) return null
    throw error
  }
}

/** The same of one that should be there. @throws {EngineError} `ENGINE_ERROR` with `details.reason: 'not-found'` */
export async function inspectContainer(
  docker: Docker,
  name: string,
  abort: Abort,
): Promise<Docker.ContainerInspectInfo> {
  const found = await findContainer(docker, name, abort)
  if (found === null) throw new EngineError('ENGINE_ERROR', `there is no container ${name}`, { reason: 'not-found' })
  return found
}
