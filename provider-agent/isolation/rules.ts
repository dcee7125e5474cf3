/** The firewall's rules as text for iptables-restore; pure. Why they are as they are: docs/decisions/0011-job-firewall.md. */

import { createHash } from 'node:crypto'
import { closedRanges } from '../../node/network/open-address.ts'
import { anyBridge, bridgePrefix } from '../networks/bridge-name.ts'

/** What the rules of one agent depend on. */
export interface RulesInit {
  /** Peer id of the agent: its jobs' bridges have names of their own. */
  owner: string
  /** This process; says in the rules whose they are. */
  pid: number
  /** Networks that are closed beside {@link closedRanges}. */
  closed: string[]
  /** Name servers in closed networks, which may be asked all the same. */
  nameServers: string[]
  /**
   * Connections that one job may have at a time, flows of UDP included, those that have closed not: each takes one of the
   * places in which the kernel tracks connections, the machine's own too. Null where the kernel cannot count them.
   */
  maxConnections: number | null
}

/** Of IP: each has its own tables of rules. */
export type Family = 4 | 6

/** One agent's chains, and where they are called from. */
export interface Rules {
  chains: { name: string; hook: 'FORWARD' | 'INPUT'; rules: string[]; jump: string }[]
}

const mark = 'cortex-node'

/**
 * What only answers passes, whatever the direction's first packet was; an answer to a connection from outside, that is.
 * By direction rather than by state alone: what a job sent before the rules were there gets it nothing afterwards.
 */
const answers = '-m conntrack --ctstate RELATED,ESTABLISHED --ctdir REPLY'

/** Of IPv6 nothing passes: networks of jobs have none. */
export function rulesFor(family: Family, init: RulesInit): Rules {
  const { owner, pid, closed, nameServers, maxConnections } = init
  const prefix = bridgePrefix(owner)
  const asking = nameServers.flatMap((address) =>
    ['udp', 'tcp'].map((protocol) => `-d ${address}/32 -p ${protocol} --dport 53 MARK -j RETURN`),
  )
  const drops = [...closedRanges, ...closed].map((range) => `-d ${range} MARK -j DROP`)
  // Dropped before it has a place. By the sender's address, which is one job's.
  const counted = `-m conntrack --ctstate NEW -m connlimit --connlimit-above ${maxConnections} --connlimit-mask 32`
  const limit = maxConnections === null ? [] : [`${counted} --connlimit-saddr MARK -j DROP`]
  const forward = family === 6 ? ['MARK -j DROP'] : [`${answers} MARK -j RETURN`, ...limit, ...asking]
  const input = [...forward, ...(family === 6 ? [] : ['MARK -j DROP'])]
  if (family === 4) forward.push(`-o ${anyBridge}+ MARK -j DROP`, ...drops)
  const chain = (hook: 'FORWARD' | 'INPUT', rules: string[]): Rules['chains'][number] => {
    const name = chainName(prefix, hook)
    const jump = `-i ${prefix}+ -m comment --comment ${mark}:pid:${pid} -j ${name}`
    return { name, hook, jump, rules: marked(rules) }
  }
  return { chains: [chain('FORWARD', forward), chain('INPUT', input)] }
}

/** Every rule carries the digest of all and its number, so that one that is gone or changed is found. */
function marked(rules: string[]): string[] {
  const digest = createHash('sha256').update(rules.join('\n')).digest('hex').slice(0, 8)
  return rules.map((rule, i) => rule.replace('MARK', `-m comment --comment ${mark}:${digest}:${i}`))
}

function chainName(prefix: string, hook: 'FORWARD' | 'INPUT'): string {
  return `CORTEX-${prefix}-${hook === 'FORWARD' ? 'FWD' : 'IN'}`
}

/** The lines of `iptables-save` by chain, without `-A CHAIN`. */
export function readSaved(text: string): Map<string, string[]> {
  const chains = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const declared = /^:(\S+)/.exec(line)?.[1]
    if (declared !== undefined) chains.set(declared, [])
    const [, name = '', rule = ''] = /^-A (\S+) ?(.*)$/.exec(line) ?? []
    if (name !== '') chains.set(name, [...(chains.get(name) ?? []), rule])
  }
  return chains
}

/** Whether the rules are there, all of them, and before any that could let packets pass first. */
export function isInPlace(saved: Map<string, string[]>, { chains }: Rules): boolean {
  return chains.every(({ name, hook, jump, rules }) => {
    const there = saved.get(name)?.map(commentOf) ?? []
    if (there.join() !== rules.map(commentOf).join()) return false
    const calls = saved.get(hook) ?? []
    const at = calls.findIndex((call) => commentOf(call) === commentOf(jump) && call.endsWith(`-j ${name}`))
    return at >= 0 && calls.slice(0, at).every(isOurs)
  })
}

/** Puts the rules in place, all at once, whatever is there of them. */
export function toPlace(saved: Map<string, string[]>, { chains }: Rules): string {
  return transaction([
    ...chains.map(({ name }) => `:${name} - [0:0]`),
    ...chains.flatMap(({ name, rules }) => rules.map((rule) => `-A ${name} ${rule}`)),
    ...chains.flatMap(({ name, hook }) => callsOf(saved, hook, name)),
    ...chains.map(({ hook, jump }) => `-I ${hook} 1 ${jump}`),
  ])
}

/** Takes out what is there of an agent's rules; null where nothing is. */
export function toRemove(saved: Map<string, string[]>, prefix: string): string | null {
  const hooks = ['FORWARD', 'INPUT'] as const
  const there = hooks.filter((hook) => saved.has(chainName(prefix, hook)))
  if (there.length === 0) return null
  return transaction([
    ...there.map((hook) => `:${chainName(prefix, hook)} - [0:0]`), // Empties it.
    ...there.flatMap((hook) => callsOf(saved, hook, chainName(prefix, hook))),
    ...there.map((hook) => `-X ${chainName(prefix, hook)}`),
  ])
}

/** Prefixes of agents that left rules here, with the process that made them; null where nothing calls them. */
export function agentsIn(saved: Map<string, string[]>): { prefix: string; pid: number | null }[] {
  return [...saved.keys()].flatMap((name) => {
    const prefix = /^CORTEX-(ctxj[0-9a-f]{4})-(?:FWD|IN)$/.exec(name)?.[1]
    if (prefix === undefined) return []
    const call = [...(saved.get('FORWARD') ?? []), ...(saved.get('INPUT') ?? [])].find((rule) =>
      rule.endsWith(`-j ${name}`),
    )
    const pid = call === undefined ? undefined : new RegExp(`${mark}:pid:(\\d+)`).exec(call)?.[1]
    return [{ prefix, pid: pid === undefined ? null : Number(pid) }]
  })
}

function callsOf(saved: Map<string, string[]>, hook: string, name: string): string[] {
  return (saved.get(hook) ?? []).filter((call) => call.endsWith(`-j ${name}`)).map((call) => `-D ${hook} ${call}`)
}

function transaction(lines: string[]): string {
  return ['*mangle', ...lines, 'COMMIT', ''].join('\n')
}

function commentOf(rule: string): string {
  return new RegExp(`--comment "?(${mark}:[\\w:]+)`).exec(rule)?.[1] ?? ''
}

function isOurs(rule: string): boolean {
  return commentOf(rule) !== ''
}
