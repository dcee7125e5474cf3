import { readFile } from 'node:fs/promises'

const SWITCH = '/proc/sys/net/bridge/bridge-nf-call-iptables'

/**
 * Whether the kernel shows packets on bridges to iptables. It does so after they have gone through the devices that hold a whole
 * bridge to a rate, which forget what iptables knew of their connections: answers of a job look as if nobody had asked, and are
 * dropped.
 */
export async function areBridgesFiltered(): Promise<boolean> {
  return (await readFile(SWITCH, 'utf8').catch(() => '0')).trim() === '1'
}
