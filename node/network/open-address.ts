import type { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import { isPublicAddress } from './public-address.ts'

/** IPv4 that a job may never send to, wherever the machine is: everything that is no public address. */
export const closedRanges = [
  '0.0.0.0/8', // This network; Linux takes 0.0.0.0 for the machine itself.
  '10.0.0.0/8', // Private.
  '100.64.0.0/10', // Carriers' own networks; also Tailscale and some clouds' metadata.
  '127.0.0.0/8', // The machine itself.
  '168.63.129.16/32', // Azure's metadata, at a public address.
  '169.254.0.0/16', // Link-local: the metadata services of clouds.
  '172.16.0.0/12', // Private: Docker's own networks, too.
  '192.0.0.0/24', // Protocol assignments: metadata of some clouds.
  '192.168.0.0/16', // Private.
  '198.18.0.0/15', // Tests of network devices: jobs' networks, once the engine has none left.
  '224.0.0.0/4', // Multicast.
  '240.0.0.0/4', // Reserved, and broadcast.
]

/** Whether a machine with these interfaces may connect there for a stranger: a public address, and none of its own networks. */
export function isOpenAddress(address: string, interfaces: ReturnType<typeof networkInterfaces>): boolean {
  if (!isPublicAddress(address)) return false
  const target = ipaddr.process(address)
  const closed = closedRanges.map((range) => ipaddr.parseCIDR(range))
  const own = Object.values(interfaces).flatMap((addresses = []) => addresses.flatMap(({ cidr }) => cidr ?? []))
  return ![...closed, ...own.map((cidr) => ipaddr.parseCIDR(cidr))].some(
    ([network, bits]) => network.kind() === target.kind() && target.match(network, bits),
  )
}
