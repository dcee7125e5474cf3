import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import proxyAddr from 'proxy-addr'

/** Where a request comes from, as the proxies say that its operator trusts. */
export interface Asked {
  /** Address of the client; of the TCP peer where that is no such proxy, or names none. */
  address: string
  /** What the client speaks; null where nobody trusted says so. */
  protocol: 'http' | 'https' | null
}

/** The proxies that an operator put in front of a gateway; see {@link createProxies}. */
export interface Proxies {
  /** Whether a TCP peer is one of them. */
  has(address: string | undefined): boolean
  asked(incoming: IncomingMessage): Asked
}

/**
 * Believes `X-Forwarded-For` and `X-Forwarded-Proto` of these addresses, and of nobody else. Of several hops the nearest
 * that is none of them is the client. The host is that of `Host`, which a proxy has to pass on.
 * @param trusted addresses, networks (`10.0.0.0/8`), or `loopback`, `linklocal`, `uniquelocal`
 * @throws {TypeError} where one is none of these
 */
export function createProxies(trusted: readonly string[]): Proxies {
  const isTrusted = proxyAddr.compile([...trusted])
  const has = (address: string | undefined) => address !== undefined && isIP(address) !== 0 && isTrusted(address, 0)
  return {
    has,
    asked(incoming) {
      const peer = incoming.socket.remoteAddress ?? ''
      if (!has(peer)) return { address: peer, protocol: null }
      const address = proxyAddr(incoming, isTrusted)
      const [said] = String(incoming.headers['x-forwarded-proto'] ?? '').split(',')
      const protocol = said?.trim().toLowerCase()
      return {
        address: isIP(address) === 0 ? peer : address,
        protocol: protocol === 'http' || protocol === 'https' ? protocol : null,
      }
    },
  }
}
