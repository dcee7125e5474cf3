import { BlockList, isIP } from 'node:net'
import { type GatewayContext, remoteAddress } from './context.ts'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether a TCP peer's address is this machine; IPv4 in IPv6 form counts. */
export function isLoopbackAddress(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
  const family = isIP(plain)
  return family !== 0 && LOOPBACK.check(plain, family === 4 ? 'ipv4' : 'ipv6')
}

/** Whether a URL's host name always means this machine. */
export function isLoopbackName(hostname: string): boolean {
  const plain = hostname.replace(/^\[|\]$/g, '')
  return plain === 'localhost' || plain.endsWith('.localhost') || isLoopbackAddress(plain)
}

/** What a proxy adds: then somebody else asked, from wherever. */
const FORWARDED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip']

/** Whether somebody on this machine asks, by a name of this machine, and nobody through a proxy on it. */
export function isLocal(c: GatewayContext): boolean {
  return (
    isLoopbackAddress(remoteAddress(c)) &&
    isLoopbackName(new URL(c.req.url).hostname) &&
    FORWARDED.every((name) => c.req.header(name) === undefined)
  )
}
