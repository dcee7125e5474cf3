/**
 * Agents in network namespaces of their own, behind a router in another one; the gateway is where the test is. Links are
 * cut silently: nobody is told, packets are gone. Everything is made and removed here.
 */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

export interface Namespaces {
  /** Address of the gateway's end. */
  readonly gatewayHost: string
  /** Address of an agent's end, what to put before a program that is to run there, and its namespace. */
  agent(name: string): { host: string; command: string[]; space: string }
  /** The namespace between all of them. */
  readonly router: { space: string; links: string[] }
  /** Cuts one agent off from everybody, or heals it. */
  link(name: string, up: boolean): Promise<void>
  /** Cuts these off from the others, or heals it; among themselves they stay linked. */
  between(names: string[], up: boolean): Promise<void>
  /** Lets nobody in at one agent's end but for what it asked for: what comes is dropped, and nobody is told. */
  close(name: string): Promise<void>
  /** Cuts everybody off from everybody, or heals it; links stay as they are. */
  routing(on: boolean): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const run = promisify(execFile)
const ip = async (...args: string[]): Promise<string> => (await run('ip', args)).stdout

/** Why there can be no namespaces here; null where there can. */
export async function namespaceProblem(): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'needs root, to make network namespaces'
  const name = `cortex-probe-${process.pid}`
  try {
    await ip('netns', 'add', name)
    await ip('netns', 'del', name)
    return null
  } catch (error) {
    return `needs the program ip and the right to make network namespaces: ${String(error).split('\n')[0]}`
  }
}

/**
 * @param first first number of every address: 10 is a private one. Programs take others for the internet's, though nothing
 * leaves these namespaces
 */
export async function createNamespaces(names: string[], first = 10): Promise<Namespaces> {
  const net = `${first}.${await freeNumber(first)}`
  const tag = `cx${process.pid.toString(36)}${Number(net.split('.')[1]).toString(36)}`
  const router = `${tag}-router`
  const ends = new Map(names.map((name, i) => [name, { space: `${tag}-${i + 1}`, link: `${tag}r${i + 1}`, i: i + 1 }]))
  const spaces = [router, ...[...ends.values()].map(({ space }) => space)]

  /** A link between the router and one end; `space` null is where the test is. */
  async function connect(space: string | null, i: number): Promise<void> {
    const [near, far] = [`${tag}e${i}`, `${tag}r${i}`]
    await ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', router)
    if (space !== null) await ip('link', 'set', near, 'netns', space)
    const at = space === null ? [] : ['-n', space]
    await ip(...at, 'addr', 'add', `${net}.${i}.1/30`, 'dev', near)
    await ip(...at, 'link', 'set', near, 'up')
    await ip('-n', router, 'addr', 'add', `${net}.${i}.2/30`, 'dev', far)
    await ip('-n', router, 'link', 'set', far, 'up')
    await ip(...at, 'route', 'add', `${net}.0.0/16`, 'via', `${net}.${i}.2`)
    if (space !== null) await ip(...at, 'link', 'set', 'lo', 'up')
  }

  const routing = async (on: boolean): Promise<void> => {
    await ip('netns', 'exec', router, 'sh', '-c', `echo ${on ? 1 : 0} > /proc/sys/net/ipv4/ip_forward`)
  }
  const filter = async (...rule: string[]): Promise<void> => {
    await ip('netns', 'exec', router, 'iptables', rule[0] ?? '', 'FORWARD', ...rule.slice(1))
  }
  const remove = async (): Promise<void> => {
    for (const space of spaces) await ip('netns', 'del', space).catch(() => undefined) // where making them failed half way
  }
  try {
    for (const space of spaces) await ip('netns', 'add', space)
    await connect(null, 0)
    for (const { space, i } of ends.values()) await connect(space, i)
    await routing(true)
  } catch (error) {
    await remove()
    throw error
  }
  const end = (name: string) => {
    const found = ends.get(name)
    if (found === undefined) throw new Error(`No namespace for ${name}`)
    return found
  }
  return {
    router: { space: router, links: [`${tag}r0`, ...[...ends.values()].map(({ link }) => link)] },
    gatewayHost: `${net}.0.1`,
    agent(name) {
      const { space, i } = end(name)
      return { host: `${net}.${i}.1`, command: ['ip', 'netns', 'exec', space], space }
    },
    link: async (name, up) => void (await ip('-n', router, 'link', 'set', end(name).link, up ? 'up' : 'down')),
    async between(names, up) {
      const side = names.map((name) => `${net}.${end(name).i}.0/30`).join()
      for (const way of ['-s', '-d']) {
        const other = way === '-s' ? '-d' : '-s'
        // what stays on one side is let through before
        await filter(up ? '-D' : '-A', way, side, other, side, '-j', 'ACCEPT')
        await filter(up ? '-D' : '-A', way, side, '-j', 'DROP')
      }
    },
    async close(name) {
      const at = async (...rule: string[]): Promise<void> => {
        await ip('netns', 'exec', end(name).space, 'iptables', ...rule)
      }
      await at('-A', 'INPUT', '-i', 'lo', '-j', 'ACCEPT')
      await at('-A', 'INPUT', '-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED', '-j', 'ACCEPT')
      await at('-P', 'INPUT', 'DROP')
    },
    routing,
    [Symbol.asyncDispose]: remove,
  }
}

/** Of this process, whose routes may not be there yet. */
const taken = new Set<string>()

/** A second number of FIRST.N.0.0/16 that no route here leads to. */
async function freeNumber(first: number): Promise<number> {
  const routes = await ip('-4', 'route')
  for (;;) {
    const net = 60 + Math.floor(Math.random() * 140)
    const prefix = `${first}.${net}.`
    if (routes.includes(prefix) || taken.has(prefix)) continue
    taken.add(prefix)
    return net
  }
}
