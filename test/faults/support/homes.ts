/**
 * Machines behind routers as people have them at home: a private address, one public one for all of them, and nothing let
 * in that was not asked for. Each is a namespace behind one of {@link createNamespaces}, which is its router.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Namespaces } from './namespaces.ts'

const run = promisify(execFile)

export interface Home {
  /** The router's address on the internet. */
  readonly publicHost: string
  /** What to put before a program that is to run in the home. */
  readonly command: string[]
  /** Lets the router do what machines in the home ask it to, by UPnP. */
  allowUpnp(): void
  /** Gives the machine another address, and takes the one that it had. */
  move(): Promise<string>
  [Symbol.asyncDispose](): Promise<void>
}

/** Makes the end `name` a router, and a machine behind it. */
export async function addHome(namespaces: Namespaces, name: string): Promise<Home> {
  const { host: publicHost, command: atRouter } = namespaces.agent(name)
  const router = atRouter.at(-1) ?? ''
  const space = `${router}-home`
  const [inside, outside] = [`${space}i`.slice(-15), `${space}o`.slice(-15)]
  let last = 2
  const at = (where: string, ...command: string[]) => run('ip', ['netns', 'exec', where, ...command])
  const remove = async (): Promise<void> => void (await run('ip', ['netns', 'del', space]).catch(() => undefined))
  const route = async (): Promise<void> => {
    await run('ip', ['-n', space, 'route', 'replace', 'default', 'via', '192.168.1.1'])
  }
  try {
    await run('ip', ['netns', 'add', space])
    await run('ip', ['-n', router, 'link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', space])
    await run('ip', ['-n', router, 'addr', 'add', '192.168.1.1/24', 'dev', outside])
    await run('ip', ['-n', router, 'link', 'set', outside, 'up'])
    await run('ip', ['-n', space, 'addr', 'add', `192.168.1.${last}/24`, 'dev', inside])
    await run('ip', ['-n', space, 'link', 'set', inside, 'up'])
    await run('ip', ['-n', space, 'link', 'set', 'lo', 'up'])
    await route()
    await at(router, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward')
    const replies = ['-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED', '-j', 'ACCEPT']
    await at(router, 'iptables', '-t', 'nat', '-A', 'POSTROUTING', '!', '-o', outside, '-j', 'MASQUERADE')
    for (const chain of ['FORWARD', 'INPUT']) {
      await at(router, 'iptables', '-P', chain, 'DROP')
      await at(router, 'iptables', '-A', chain, ...replies)
      await at(router, 'iptables', '-A', chain, '-i', outside, '-j', 'ACCEPT')
    }
  } catch (error) {
    await remove()
    throw error
  }
  let upnp: ChildProcess | undefined
  return {
    publicHost,
    allowUpnp() {
      const program = [process.execPath, join(import.meta.dirname, 'upnp-router.ts'), '192.168.1.1', publicHost]
      upnp = spawn('ip', ['netns', 'exec', router, ...program], { stdio: 'inherit' })
    },
    command: ['ip', 'netns', 'exec', space],
    async move() {
      last += 1
      const before = `192.168.1.${last - 1}/24`
      await run('ip', ['-n', space, 'addr', 'del', before, 'dev', inside])
      await run('ip', ['-n', space, 'addr', 'add', `192.168.1.${last}/24`, 'dev', inside])
      await route()
      return `192.168.1.${last}`
    },
    async [Symbol.asyncDispose]() {
      upnp?.kill()
      await remove()
    },
  }
}
