import { readFile } from 'node:fs/promises'

const SWITCH = '/proc/sys/net/bridge/bridge-nf-call-iptables'

/**
 * Why jobs behind a firewall cannot be held to a bandwidth here, for people; null where they can. Where the kernel shows
 * packets on bridges to iptables, it does so before they go through the devices that hold them to the rate, which forget
 * what iptables knew of their connections: answers of a job look as if nobody had asked, and are dropped.
 */
export async function filteredBridges(): Promise<string | null> {
  const value = await readFile(SWITCH, 'utf8').catch(() => '0')
  if (value.trim() !== '1') return null
  return 'this machine shows packets on bridges to iptables, with which it does not go: set net.bridge.bridge-nf-call-iptables to 0 (sysctl) where nothing else needs it'
}
