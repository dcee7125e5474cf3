import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** What one household or machine shares: an IPv4 address, or the first half of an IPv6 one. */
export function siteOf(address: string | undefined): string {
  if (address === undefined || isIPv4(address)) return address ?? ''
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  return parsed.kind() === 'ipv4' ? parsed.toString() : parsed.toByteArray().slice(0, 8).join('.')
}
