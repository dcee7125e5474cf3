/**
 * Keeps jobs from everything around them but the internet: the machine itself, its networks, other jobs, metadata
 * services. See docs/decisions/0011-job-firewall.md.
 */

import { getServers } from 'node:dns'
import { readFile } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Logger } from '../../node/logger.ts'
import { isPublicAddress } from '../../node/network/public-address.ts'
import { processOf } from '../../node/process-of.ts'
import { anyBridge, bridgePrefix } from '../networks/bridge-name.ts'
import { runProgram } from '../system-program.ts'
import { ownNetworks } from './ranges.ts'
import { agentsIn, type Family, isInPlace, type Rules, readSaved, rulesFor, toPlace, toRemove } from './rules.ts'

/** The rules of one agent around its jobs. */
export interface Firewall {
  /** Those that jobs can ask. */
  readonly nameServers: string[]
  /** Resolves when the rules are in place: looks, and puts them there where they are not. Calls at one time share a look. */
  ensure(): Promise<void>
  /**
   * Looks again, and puts back what somebody took out. Why that cannot be done, for people; null where the rules are in
   * place, and where they never were: then jobs run without, as the owner was told.
   */
  problem(): Promise<string | null>
  /** Whether the rules were in place once, and were not taken out by {@link Firewall.stop}. */
  readonly isInForce: boolean
  /** Whether jobs are kept from taking more than their share of tracked connections. */
  readonly limitsConnections: boolean
  /**
   * Takes the rules out if no job's network is left; from then on they are not missed.
   *
   * @param how.isUnused whether the engine says that no job is left: one that was killed leaves bridges that it has forgotten
   */
  stop(how?: { isUnused?: boolean }): Promise<void>
  /** Whether there is an interface of this name in the network that the rules are for. */
  hasInterface(name: string): Promise<boolean>
}

/** Whose jobs are kept, and whom they may ask for names. */
export interface FirewallInit {
  /** Peer id of the agent. */
  owner: string
  /**
   * IPv4 addresses of the name servers that jobs ask; let through on port 53, wherever they are.
   * @default the machine's own that are public, or else {@link publicNameServers}
   */
  nameServers?: string[]
}

/** Asked where the machine's own name servers are in its LAN, as they mostly are. Run by Cloudflare and Quad9. */
const publicNameServers = ['1.1.1.1', '9.9.9.9']

/** The rules cannot be set; the message is for people and says why. */
class FirewallError extends Error {
  override readonly name = 'FirewallError'
}

/** Connections of one job at a time; a machine tracks 65,536 or more in all. */
const MAX_CONNECTIONS = 4_096

/** How often it is looked for rules that nobody needs any more, in ms. */
const SWEEP_MS = 60_000

/**
 * Touches no rule before {@link Firewall.ensure}, which rejects where they cannot be set: without root, or without
 * iptables.
 */
export function createFirewall({ logger }: { logger: Logger }, init: FirewallInit): Firewall {
  const { owner, nameServers = defaultNameServers() } = init
  const prefix = bridgePrefix(owner)
  let looking: Promise<void> | null = null
  let inForce = false
  const sweepAtMs = { 4: 0, 6: 0 }
  let limitsConnections = true

  async function look(): Promise<void> {
    await Promise.all((await families()).map(async (family) => await lookAt(family)))
    inForce = true
  }

  async function ensure(): Promise<void> {
    looking ??= look().finally(() => {
      looking = null
    })
    await looking
  }

  async function lookAt(family: Family): Promise<void> {
    const closed = ownNetworks(networkInterfaces(), anyBridge)
    const rulesNow = (): Rules => {
      const maxConnections = limitsConnections ? MAX_CONNECTIONS : null
      return rulesFor(family, { owner, pid: process.pid, closed, nameServers, maxConnections })
    }
    let rules = rulesNow()
    let saved = await save(family)
    if (performance.now() >= sweepAtMs[family]) {
      sweepAtMs[family] = performance.now() + SWEEP_MS
      saved = await sweep(family, saved)
    }
    if (isInPlace(saved, rules)) return
    try {
      await restore(family, toPlace(saved, rules))
    } catch (error) {
      // A kernel without that one match: all else is worth as much without it. Else the second try says what is wrong.
      if (family === 6 || !limitsConnections || inForce) throw error
      limitsConnections = false
      rules = rulesNow()
      await restore(family, toPlace(saved, rules))
      logger.warn({ error: String(error) }, 'connections of jobs are not counted: one can take all that are tracked')
    }
    if (!isInPlace(await save(family), rules)) throw new FirewallError('the rules were set and are not there')
    if (inForce) logger.warn({ family, closed }, 'the firewall rules were not as they should be, and are set again')
    else logger.info({ family, closed }, 'the rules between jobs and the network around them are set')
  }

  /** Takes out what agents left that were killed and whose jobs are gone. */
  async function sweep(family: Family, saved: Map<string, string[]>): Promise<Map<string, string[]>> {
    let now = saved
    const interfaces = await interfaceNames()
    for (const { prefix: other, pid } of agentsIn(saved)) {
      const isUsed = interfaces.some((name) => name.startsWith(other)) || (pid !== null && processOf(pid) !== null)
      if (other === prefix || isUsed) continue
      const change = toRemove(now, other)
      if (change !== null) await restore(family, change)
      now = await save(family)
    }
    return now
  }

  return {
    nameServers,
    ensure,
    async problem() {
      if (!inForce) return null
      try {
        await ensure()
        return null
      } catch (error) {
        return `cannot keep jobs from the network around it: ${(error as Error).message}`
      }
    },
    get isInForce() {
      return inForce
    },
    get limitsConnections() {
      return inForce && limitsConnections
    },
    async stop({ isUnused = false } = {}) {
      await looking?.catch(() => undefined) // whoever asked for it has heard
      const wereSet = inForce
      inForce = false
      if (!isUnused && (await interfaceNames()).some((name) => name.startsWith(prefix))) return
      try {
        for (const family of await families()) {
          const change = toRemove(await save(family), prefix)
          if (change !== null) await restore(family, change)
        }
      } catch (error) {
        // Who could never set them has none to take out.
        if (wereSet) throw error
      }
    },
    hasInterface: async (name) => (await interfaceNames()).includes(name),
  }
}

/**
 * Tries whether the rules of an agent could be set, and sets none.
 * @throws {ProgramError} where they could not: without root, or without iptables
 */
export async function tryRules(): Promise<void> {
  const closed = ownNetworks(networkInterfaces(), anyBridge)
  for (const family of await families()) {
    const init = { owner: 'nobody', pid: process.pid, closed, nameServers: defaultNameServers() }
    const rules = rulesFor(family, { ...init, maxConnections: MAX_CONNECTIONS })
    const change = toPlace(await save(family), rules)
    await runProgram(`${programOf(family)}-restore`, ['--test', '--noflush', '--wait', '5'], change)
  }
}

function defaultNameServers(): string[] {
  const own = getServers().filter((address) => isIPv4(address) && isPublicAddress(address))
  return own.length > 0 ? own : publicNameServers
}

/** IPv4, and IPv6 where the kernel has it. */
async function families(): Promise<Family[]> {
  const v6 = await readFile('/proc/net/if_inet6', 'utf8').catch(() => '') // not there: no IPv6
  return v6 === '' ? [4] : [4, 6]
}

/** All interfaces of this process's network, whether up or not. */
async function interfaceNames(): Promise<string[]> {
  const lines = (await readFile('/proc/net/dev', 'utf8')).split('\n').slice(2)
  return lines.map((line) => line.split(':')[0]?.trim() ?? '').filter((name) => name !== '')
}

async function save(family: Family): Promise<Map<string, string[]>> {
  return readSaved(await runProgram(`${programOf(family)}-save`, ['-t', 'mangle']))
}

async function restore(family: Family, change: string): Promise<void> {
  await runProgram(`${programOf(family)}-restore`, ['--noflush', '--wait', '5'], change)
}

function programOf(family: Family): string {
  return family === 4 ? 'iptables' : 'ip6tables'
}
