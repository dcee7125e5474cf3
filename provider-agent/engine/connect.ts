import type DockerClient from 'dockerode'
import { engineAddress } from './address.ts'
import { Docker } from './dockerode.ts'

/**
 * A client for an engine's address, see {@link engineAddress}.
 *
 * @throws {Error} of one line where the address is of another form
 */
export function connectDocker(host?: string): DockerClient {
  const address = engineAddress(host)
  return new Docker('socketPath' in address ? address : { ...address, protocol: 'http' })
}
