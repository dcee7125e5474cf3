import { BlockList, isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * IPv4 that no peer is at, whoever names it: mostly where clouds keep what a machine may know of itself. Private ranges
 * are not here, for agents live in LANs.
 */
const NO_PEERS = [
  '0.0.0.0/8', // Linux takes 0.0.0.0 for the machine itself.
  '100.100.100.200/32', // Alibaba's metadata.
  '168.63.129.16/32', // Azure's.
  '169.254.0.0/16', // Link-local: the metadata of most.
  '192.0.0.0/24', // Protocol assignments: Oracle's.
  '224.0.0.0/4', // Multicast.
  '240.0.0.0/4', // Reserved, and broadcast.
] as const

const NO_PEERS_OVER_IPV6 = [
  '::/128',
  'fd00:ec2::254/128', // AWS's metadata.
  'fd20:ce::254/128', // Google's.
  'fe80::/10', // Link-local.
  'ff00::/8', // Multicast.
] as const

/** How IPv6 holds an address of IPv4: what comes before it. */
const AROUND_IPV4 = [
  '::', // as once
  '::ffff:0:0', // mapped
  '::ffff:0:0:0', // translated
  '64:ff9b::', // NAT64
  '64:ff9b:1::', // NAT64, of a network's own
] as const

/** 6to4: the address of IPv4 follows these 16 bits. */
const SIX_TO_FOUR = 0x20_02

/**
 * Addresses that are never dialled. Given to the sockets themselves, it holds for what a name resolves to at that moment,
 * and for whatever spelling of a number the system takes.
 */
export const neverDialled: BlockList = blockList()

/** Whether an address, written as a number, is never dialled. */
export function isNeverDialled(host: string): boolean {
  const family = isIP(host)
  return family !== 0 && neverDialled.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

function blockList(): BlockList {
  const list = new BlockList()
  for (const range of NO_PEERS) {
    const [net, bits] = ipaddr.IPv4.parseCIDR(range)
    list.addSubnet(net.toString(), bits, 'ipv4')
    const octets = net.toByteArray()
    for (const prefix of AROUND_IPV4) {
      if (prefix === '::' && octets[0] === 0) continue // ::1 is this machine
      const around = [...ipaddr.IPv6.parse(prefix).toByteArray().slice(0, 12), ...octets]
      list.addSubnet(new ipaddr.IPv6(around).toString(), 96 + bits, 'ipv6')
    }
    const sixToFour = [SIX_TO_FOUR >> 8, SIX_TO_FOUR & 0xff, ...octets, ...new Array<number>(10).fill(0)]
    list.addSubnet(new ipaddr.IPv6(sixToFour).toString(), 16 + bits, 'ipv6')
  }
  for (const range of NO_PEERS_OVER_IPV6) {
    const [net, bits] = ipaddr.IPv6.parseCIDR(range)
    list.addSubnet(net.toString(), bits, 'ipv6')
  }
  return list
}
