import ipaddr from 'ipaddr.js'
import { closedRanges } from '../../node/network/open-address.ts'

/**
 * The networks that the machine's interfaces are in and {@link closedRanges} do not hold: a LAN may well have public
 * addresses. Sorted; one-address networks and those of jobs are left out.
 *
 * @param interfaces as `os.networkInterfaces()` has them
 * @param jobs names of interfaces that begin so are jobs'
 */
export function ownNetworks(
  interfaces: Record<string, { family: string; cidr: string | null }[] | undefined>,
  jobs: string,
): string[] {
  const closed = closedRanges.map((range) => ipaddr.IPv4.parseCIDR(range))
  const found = Object.entries(interfaces)
    .filter(([name]) => !name.startsWith(jobs))
    .flatMap(([, addresses = []]) => addresses)
    .flatMap(({ family, cidr }) => (family === 'IPv4' && cidr !== null ? [cidr] : []))
    .filter((cidr) => !cidr.endsWith('/32'))
    .filter((cidr) => !closed.some((range) => ipaddr.IPv4.parse(cidr.split('/')[0] ?? '').match(range)))
    .map((cidr) => `${ipaddr.IPv4.networkAddressFromCIDR(cidr)}/${cidr.split('/')[1]}`)
  return [...new Set(found)].toSorted()
}
