/**
 * A machine to be attacked, in a network namespace of its own with an engine of its own on btrfs; around it, in another
 * namespace, its LAN, a metadata service and an internet of one address. No packet can leave this computer.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { findProgram, installPackages } from '../../../../scripts/apt.ts'
import { ensureEngine } from '../../../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../../../scripts/image.ts'
import { type LocalNetwork, startLocalNetwork } from '../../../../scripts/local-network.ts'
import { createNamespaces } from '../../../faults/support/namespaces.ts'

const run = promisify(execFile)

export const internet = '203.0.113.7'
export const metadata = '169.254.169.254'
/** On which everybody listens. */
export const port = 8080

export interface AttackedMachine {
  docker: Docker
  market: LocalNetwork
  /** Addresses of the machine and of another one in its LAN. */
  host: string
  lan: string
  socketPath: string
  /** Who was spoken to so far: `ADDRESS:PORT`. */
  contacts(): string[]
  /** The rules of the machine's firewall. */
  rules(): Promise<string>
  flushRules(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export async function createMachine(agents: { name: string; flags: string[] }[]): Promise<AttackedMachine> {
  await using stack = new AsyncDisposableStack()
  const report = (): void => undefined
  const folder = await mkdtemp(join(tmpdir(), 'cortex-attack-'))
  stack.defer(async () => await rm(folder, { recursive: true, force: true }))
  const dataRoot = await makeBtrfs(folder, stack)

  const spaces = await createNamespaces(['machine', 'world'])
  stack.use(spaces)
  const { host, command } = spaces.agent('machine')
  const { host: lan, command: worldCommand } = spaces.agent('world')
  const [spaceOf, worldSpace] = [command.at(-1) ?? '', worldCommand.at(-1) ?? '']
  const router = worldSpace.replace(/-\d+$/, '-router')
  const within = (space: string): [string, string] => ['nsenter', `--net=/run/netns/${space}`]
  const end = (address: string): string => address.replace(/\.1$/, '.2')
  for (const address of [internet, metadata]) {
    await run('ip', ['-n', worldSpace, 'addr', 'add', `${address}/32`, 'dev', 'lo'])
    await run('ip', ['-n', router, 'route', 'add', `${address}/32`, 'via', lan])
    await run('ip', ['-n', spaceOf, 'route', 'add', `${address}/32`, 'via', end(host)])
  }

  const contacts: string[] = []
  stack.use(await listen(within(spaceOf), host, contacts))
  stack.use(await listen(within(worldSpace), internet, contacts))
  const engine = await ensureEngine({
    ...{ candidates: [], dataRoot, runDir: join(folder, 'run'), report },
    command: [...within(spaceOf), 'dockerd', '--add-runtime', `sandbox=${await findProgram('runc')}`],
  })
  stack.defer(engine.stop)
  const { socketPath } = engine
  const docker = new Docker({ socketPath })
  await ensureBusyboxImage(docker, report)
  const market = await startLocalNetwork({
    dockerHost: `unix://${socketPath}`,
    gatewayFlags: ['--rate-limit', '0'],
    agents,
    launch: (name) => (name === 'gateway' ? { host: spaces.gatewayHost } : { host, command: within(spaceOf) }),
  })
  stack.defer(market.stop)
  const inside = async (program: string, ...args: string[]): Promise<string> => {
    const [enter, space] = within(spaceOf)
    return (await run(enter, [space, program, ...args])).stdout
  }
  const made = stack.move()
  return {
    ...{ docker, market, host, lan, socketPath },
    contacts: () => [...contacts],
    rules: async () => await inside('iptables-save', '-t', 'mangle'),
    flushRules: async () => void (await inside('iptables', '-t', 'mangle', '-F')),
    [Symbol.asyncDispose]: async () => await made.disposeAsync(),
  }
}

async function makeBtrfs(folder: string, stack: AsyncDisposableStack): Promise<string> {
  if ((await findProgram('mkfs.btrfs')) === null) await installPackages(['btrfs-progs'], () => undefined)
  const [disk, dataRoot] = [join(folder, 'disk'), join(folder, 'engine')]
  await run('truncate', ['--size=2G', disk])
  await run((await findProgram('mkfs.btrfs')) ?? 'mkfs.btrfs', ['--quiet', disk])
  await run('mkdir', [dataRoot])
  await run('mount', ['-o', 'loop', disk, dataRoot])
  stack.defer(async () => void (await run('umount', ['--lazy', dataRoot])))
  return dataRoot
}

/** Somebody who listens in a namespace. */
async function listen(within: string[], names: string, contacts: string[]): Promise<AsyncDisposable> {
  const listener = join(import.meta.dirname, 'listener.ts')
  const [program = '', ...args] = [...within, process.execPath, listener, String(port), names]
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ready = Promise.withResolvers<void>()
  if (child.stdout === null) throw new Error('the listener has no output')
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'ready') ready.resolve()
    else contacts.push(line)
  })
  const exit = once(child, 'exit')
  await Promise.race([ready.promise, exit.then(() => Promise.reject(new Error('the listener ended')))])
  return {
    async [Symbol.asyncDispose]() {
      child.kill()
      await exit
    },
  }
}
