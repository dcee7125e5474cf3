import type { LookupAddress } from 'node:dns'
import { lookup as dnsLookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { isPublicAddress } from '../../node/network/public-address.ts'

/** An address that webhooks are not sent to. */
class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError'
  readonly code = 'PRIVATE_ADDRESS'
  constructor(host: string, address: string) {
    super(`${host} is ${address}, which is no public address`)
  }
}

/** The addresses of a host name; rejects where it has none. */
export type Resolve = (host: string) => Promise<LookupAddress[]>

/** As the machine resolves names, its hosts file included. */
export const systemResolve: Resolve = async (host) => await dnsLookup(host, { all: true })

/**
 * Resolves a host and refuses it where any of its addresses is not public.
 * @throws {PrivateAddressError} @throws {Error} where it does not resolve
 */
export async function resolvePublic(host: string, resolve: Resolve): Promise<LookupAddress[]> {
  const plain = host.replace(/^\[|\]$/g, '')
  const family = isIP(plain)
  const addresses = family === 0 ? await resolve(plain) : [{ address: plain, family }]
  for (const { address } of addresses) if (!isPublicAddress(address)) throw new PrivateAddressError(host, address)
  return addresses
}

/** A lookup for sockets that connects to checked addresses only, so that a name cannot turn inward after its check. */
export function publicLookup(resolve: Resolve): LookupFunction {
  return (host, options, callback) => {
    resolvePublic(host, resolve).then(
      (addresses) => {
        const [first] = addresses
        if (options.all === true) callback(null, addresses)
        else if (first === undefined) callback(new Error(`${host} has no address`), '', 0)
        else callback(null, first.address, first.family)
      },
      (error: Error) => callback(error, '', 0),
    )
  }
}
