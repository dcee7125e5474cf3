import Docker from 'dockerode'
import { engineAddress } from './address.ts'

/**
 * A client for an engine's address, see {@link engineAddress}.
 *
 * @throws {Error} of one line where the address is of another form
 */
export function connectDocker(host?: string): Docker {
  const address = engineAddress(host)
  return new Docker('socketPath' in address ? address : { ...address, protocol: 'http' })
}
