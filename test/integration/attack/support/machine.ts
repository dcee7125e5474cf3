/**
 * A machine to be attacked, in a network namespace of its own with an engine of its own on btrfs; around it, in another
 * namespace, its LAN, a metadata service and an internet of one address. No packet can leave this computer.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { anyBridge } from '../../../../provider-agent/networks/bridge-name.ts'
import { findProgram } from '../../../../scripts/apt.ts'
import { type EngineHandle, ensureEngine } from '../../../../scripts/engine.ts'
import { makeRunsc, RUNSC } from '../../../../scripts/gvisor.ts'
import { ensureBusyboxImage } from '../../../../scripts/image.ts'
import {
  type LocalNetwork,
  type ManagedProcess,
  startLocalNetwork,
  startProgram,
} from '../../../../scripts/local-network.ts'
import { createNamespaces } from '../../../faults/support/namespaces.ts'
import { until } from '../../../support/until.ts'
import { makeBtrfs } from '../../support/btrfs.ts'

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
  /** Whether the agent's program that reads the rules fails from now on. */
  breakFirewall(broken: boolean): Promise<void>
  /** Resolves when no job has left anything on the engine. */
  idle(): Promise<void>
  /** Ends the engine once it is idle, and starts it anew. */
  restartEngine(): Promise<void>
  /** The agent under attack. */
  agent: ManagedProcess
  /** Starts a further agent on the same machine and engine. @param front before its program, e.g. to take rights away */
  startAgent(name: string, flags: string[], front: string[]): ManagedProcess
  [Symbol.asyncDispose](): Promise<void>
}

/** @param withGvisor whether the engine offers gVisor, too */
export async function createMachine(agentFlags: string[], withGvisor = false): Promise<AttackedMachine> {
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
  const runtimes = [`sandbox=${await findProgram('runc')}`]
  if (withGvisor) runtimes.push(`${RUNSC}=${await makeRunsc(folder, report)}`)
  const runtimeFlags = runtimes.flatMap((runtime) => ['--add-runtime', runtime])
  const startEngine = async (): Promise<EngineHandle> =>
    await ensureEngine({
      ...{ candidates: [], dataRoot, runDir: join(folder, 'run'), report },
      command: [...within(spaceOf), 'dockerd', ...runtimeFlags],
    })
  let engine = await startEngine()
  stack.defer(async () => await engine.stop())
  const { socketPath } = engine
  const docker = new Docker({ socketPath })
  await ensureBusyboxImage(docker, report)
  const programs = join(folder, 'programs')
  await mkdir(programs)
  const path = `PATH=${programs}:${process.env.PATH}:/usr/sbin:/sbin`
  const market = await startLocalNetwork({
    dockerHost: `unix://${socketPath}`,
    gatewayFlags: ['--rate-limit', '0'],
    agents: [{ name: 'attacked', flags: agentFlags }],
    launch: (name) =>
      name === 'gateway' ? { host: spaces.gatewayHost } : { host, command: [...within(spaceOf), 'env', path] },
  })
  stack.defer(market.stop)
  const agent = market.processes.find(({ name }) => name === 'agent attacked')
  if (agent === undefined) throw new Error('the agent was not started')
  const others: ManagedProcess[] = []
  stack.defer(async () => void (await Promise.all(others.map(({ end }) => end()))))
  const inside = async (program: string, ...args: string[]): Promise<string> => {
    const [enter, space] = within(spaceOf)
    return (await run(enter, [space, program, ...args])).stdout
  }
  const idle = async (): Promise<void> => {
    try {
      await until(async () => (await docker.listContainers({ all: true })).length === 0)
      await until(async () => !(await inside('ip', '-o', 'link')).includes(anyBridge))
    } catch (error) {
      const left = await docker.listContainers({ all: true })
      const names = left.map(({ Names, Status, Labels }) => `${Names} (${Status}) ${JSON.stringify(Labels)}`)
      const told = [...names, await inside('ip', '-o', 'link')].join('\n')
      throw new Error(`Jobs are left:\n${told}\nThe agent said:\n${agent.output()}`, { cause: error })
    }
  }
  const made = stack.move()
  return {
    ...{ docker, market, host, lan, socketPath, agent, idle },
    contacts: () => [...contacts],
    rules: async () => await inside('iptables-save', '-t', 'mangle'),
    flushRules: async () => void (await inside('iptables', '-t', 'mangle', '-F')),
    async breakFirewall(broken) {
      const program = join(programs, 'iptables-save')
      if (broken) await writeFile(program, '#!/bin/sh\necho out of order >&2; exit 4\n', { mode: 0o755 })
      else await rm(program)
    },
    async restartEngine() {
      // Docker 20.10 never starts again that is stopped while it deletes a network (a panic in libnetwork's reservePools).
      await idle()
      await delay(500)
      await engine.stop()
      engine = await startEngine()
    },
    startAgent(name, flags, front) {
      const data = join(market.folder, name)
      const peer = ['--listen', `/ip4/${host}/tcp/0`, '--no-mdns', '--bootstrap', market.peer, '--log-level', 'warn']
      const engineFlags = ['--docker-host', `unix://${socketPath}`, '--allow-local-image', 'cortex/*']
      const args = ['agent', '--data', data, '--name', name, ...engineFlags, ...peer]
      const command = [...within(spaceOf), ...front]
      const started = startProgram(`agent ${name}`, join(market.folder, `${name}.log`), [...args, ...flags], {
        command,
      })
      others.push(started)
      return started
    },
    [Symbol.asyncDispose]: async () => await made.disposeAsync(),
  }
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
