/** Which of a machine's addresses lead nowhere but to its own containers and virtual machines. */

import { readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { tryGetNetConfig } from '@libp2p/utils'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'

/** How long what was found out of an interface counts, in ms. */
const LOOK_MS = 2_000

/** Where {@link createInnerFilter} looks. */
export interface InnerAddressesComponents {
  /** @default those of this machine */
  interfaces?: () => NodeJS.Dict<{ address: string }[]>
  /** Where the kernel tells of interfaces and routes. @default `/sys/class/net` and `/proc/net` */
  folders?: { interfaces: string; routes: string }
}

/**
 * Leaves out of a peer's own addresses those of bridges that lead nowhere: a stranger who dials the address of somebody
 * else's container bridge reaches nobody, or a container of his own. A bridge with a network card below it, or with the
 * default route over it, is the machine's own way out. What the owner listens on by its number is told in any case.
 */
export function createInnerFilter(
  listen: string[],
  components: InnerAddressesComponents = {},
): (own: Multiaddr[]) => Multiaddr[] {
  const { interfaces = networkInterfaces, folders = { interfaces: '/sys/class/net', routes: '/proc/net' } } = components
  const named = new Set(listen.map((address) => hostOf(multiaddr(address))))
  const found = new Map<string, { isInner: boolean; atMs: number }>()

  const isInner = (name: string): boolean => {
    const known = found.get(name)
    if (known !== undefined && performance.now() - known.atMs < LOOK_MS) return known.isInner
    const now = isBridge(name) && !leadsOut(name) && !hasDefaultRoute(name)
    found.set(name, { isInner: now, atMs: performance.now() })
    return now
  }

  const isBridge = (name: string): boolean => entries(join(folders.interfaces, name)).includes('bridge')

  /** Whether there is a card below, maybe under a bond or a VLAN. Interfaces below are linked to as `lower_NAME`. */
  const leadsOut = (name: string, depth = 0): boolean => {
    const files = entries(join(folders.interfaces, name))
    if (files.includes('device')) return true
    if (depth > 4) return false
    return files
      .filter((file) => file.startsWith('lower_'))
      .some((file) => leadsOut(file.slice('lower_'.length), depth + 1))
  }

  const hasDefaultRoute = (name: string): boolean => {
    const isOfIpv4 = lines(join(folders.routes, 'route')).some(
      ([dev, to, , , , , , mask]) => dev === name && to === '00000000' && mask === '00000000',
    )
    return (
      isOfIpv4 ||
      lines(join(folders.routes, 'ipv6_route')).some(
        (route) => route.at(-1) === name && /^0+$/.test(route[0] ?? '') && route[1] === '00',
      )
    )
  }

  return (own) => {
    const all = interfaces()
    for (const name of found.keys()) if (!(name in all)) found.delete(name)
    const inner = new Set<string>()
    for (const [name, addresses = []] of Object.entries(all)) {
      if (isInner(name)) for (const { address } of addresses) inner.add(address)
    }
    return own.filter((address) => {
      const host = hostOf(address)
      return host === undefined || named.has(host) || !inner.has(host)
    })
  }
}

function hostOf(address: Multiaddr): string | undefined {
  return tryGetNetConfig(address)?.host
}

/** Empty where there is no such folder: on other systems, and once an interface is gone. */
function entries(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function lines(file: string): string[][] {
  try {
    return readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
  } catch {
    return []
  }
}
