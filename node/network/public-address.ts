import ipaddr from 'ipaddr.js'

/** All of IPv6 that is given out for the internet; the library also calls what nobody was given yet unicast, such as `::7f00:1`. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3')

/**
 * Whether an address, in numbers as systems write them, belongs to the public internet: not loopback, private, link-local,
 * reserved, or one of those within IPv6. A name is none.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address)) return false
  const parsed = ipaddr.process(address)
  if (parsed.range() !== 'unicast') return false
  return parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_IPV6)
}
