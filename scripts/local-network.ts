import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PASSING_FILE } from '../provider-agent/abandoned/known-agents.ts'
import { freePort } from './free-port.ts'
import { PROGRAM } from './testing/programs.ts'

export interface LocalNetwork {
  url: string
  /** The gateway's admin key. */
  key: string
  /** Multiaddr of the gateway's peer. */
  peer: string
  /** Where everything of this network lives; removed by `stop`. */
  folder: string
  /** The gateway first, then the agents in the order of `init.agents`. */
  processes: ManagedProcess[]
  /** Ends every process and removes the folder. */
  stop(): Promise<void>
}

export interface ManagedProcess {
  name: string
  readonly pid: number
  readonly running: boolean
  /** Everything it wrote so far, over all its starts. */
  output(): string
  /** Sends a signal and waits for the end. Answers whether it ended by that, rather than killed after a minute. */
  end(signal?: NodeJS.Signals): Promise<boolean>
  /** Resolves when it has ended, whatever ended it; answers its exit code, null where that was a signal. */
  ended(): Promise<number | null>
  /** Starts it again with the same arguments, after its end. */
  restart(): void
  /** Sends it a message; only where {@link Launch.nodeFlags} load something that listens. */
  tell(message: object | string): void
  /** Likewise, and answers what it says next; one at a time. Rejects where it ends before. */
  ask(message: object | string): Promise<unknown>
}

/** How one process is started. */
export interface Launch {
  /** In front of Node, e.g. a program that enters a network namespace. @default nothing */
  command?: string[]
  /** Before the program, e.g. `--import`. @default none */
  nodeFlags?: string[]
  /** Path of `cortex`, where it is another version's. @default that of this checkout, {@link PROGRAM} */
  program?: string
  /** Address on which its peer listens. @default "127.0.0.1" */
  host?: string
}

export interface LocalNetworkInit {
  dockerHost: string
  /** Each with its name and further flags of `cortex agent`. */
  agents: { name: string; flags: string[] }[]
  /** Whether no agent is ever started again on its folder: then what it leaves is the next agent's to remove. @default false */
  isPassing?: boolean
  /** Further flags of `cortex gateway`. @default [] */
  gatewayFlags?: string[]
  /** How each process is started, by its name: `gateway`, or the agent's. @default as it is */
  launch?: (name: string) => Launch
  /** @default says nothing */
  report?: (line: string) => void
}

/** A gateway and agents as processes of their own, on loopback and a folder of their own. */
export async function startLocalNetwork(init: LocalNetworkInit): Promise<LocalNetwork> {
  const { report = () => {}, launch = (): Launch => ({}) } = init
  const folder = await mkdtemp(join(tmpdir(), 'cortex-local-'))
  const [port, peerPort] = [await freePort(), await freePort()]
  const addressOf = (name: string): string => `/ip4/${launch(name).host ?? '127.0.0.1'}/tcp`
  const peer = `${addressOf('gateway')}/${peerPort}`
  const processes: ManagedProcess[] = []
  const begin = (name: string, how: Launch, args: string[]): void => {
    const common = ['--log-level', 'warn', '--no-mdns', '--bootstrap', peer]
    const managed = startProgram(name, join(folder, `${name}.log`), [...args, ...common], how)
    processes.push(managed)
    report(`started ${name}, process ${managed.pid}`)
  }
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map(({ end }) => end()))
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const gateway = ['gateway', '--data', folder, '--port', String(port), '--listen', peer]
    begin('gateway', launch('gateway'), [...gateway, ...(init.gatewayFlags ?? [])])
    const url = `http://127.0.0.1:${port}`
    // An agent that dials while the gateway begins to listen was, about once in fifty, not heard of in five minutes.
    await answers(`${url}/api/health`, processes)
    for (const { name, flags } of init.agents) {
      if (init.isPassing === true) {
        await mkdir(join(folder, name, 'agent'), { recursive: true, mode: 0o700 })
        await writeFile(join(folder, name, 'agent', PASSING_FILE), '')
      }
      const agent = ['agent', '--data', join(folder, name), '--name', name, '--listen', `${addressOf(name)}/0`]
      // It would take the machine from whatever is tried.
      const own = ['--docker-host', init.dockerHost, '--allow-local-image', 'cortex/*', '--no-benchmark']
      begin(`agent ${name}`, launch(name), [...agent, ...own, ...flags])
    }
    const key = (await readFile(join(folder, 'gateway', 'admin.key'), 'utf8')).trim()
    return { url, key, peer, folder, processes, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Starts `cortex ARGS` as a process of its own, whose words go to a file. */
export function startProgram(name: string, logFile: string, args: string[], how: Launch = {}): ManagedProcess {
  const { command = [], nodeFlags = [], program: cortex = PROGRAM } = how
  const [program = process.execPath, ...rest] = [...command, process.execPath, ...nodeFlags, cortex, ...args]
  const begin = (): ChildProcess => {
    const log = openSync(logFile, 'a')
    try {
      // By the channel it hears when this process has ended.
      return spawn(program, rest, { stdio: ['ignore', log, log, 'ipc'] })
    } finally {
      closeSync(log)
    }
  }
  let child = begin()
  return {
    name,
    output: () => readFileSync(logFile, 'utf8'),
    get pid() {
      return child.pid ?? 0
    },
    get running() {
      return isRunning(child)
    },
    async end(signal = 'SIGTERM') {
      return await ended(child, signal)
    },
    async ended() {
      if (isRunning(child)) await once(child, 'exit')
      return child.exitCode
    },
    restart() {
      if (isRunning(child)) throw new Error(`${name} is still running`)
      child = begin()
    },
    tell: (message) => void child.send(message),
    async ask(message) {
      const over = new AbortController()
      const answer = once(child, 'message', over)
      const end = once(child, 'exit', over).then(() => Promise.reject(new Error(`${name} ended before it answered`)))
      child.send(message)
      try {
        const [said] = await Promise.race([answer, end])
        return said
      } finally {
        over.abort()
      }
    },
  }
}

/** Longest that a program may take to start, in ms: a guard against hangs, which a busy machine keeps. */
const START_MS = 300_000

/** Resolves when there is an answer at the address. @throws where one of the processes ends first, or after five minutes */
export async function answers(url: string, processes: ManagedProcess[]): Promise<void> {
  const deadline = performance.now() + START_MS
  while (performance.now() < deadline) {
    const gone = processes.find(({ running }) => !running)
    if (gone !== undefined) throw new Error(`${gone.name} ended before it was ready:\n${gone.output()}`)
    const response = await fetch(url).catch(() => null)
    if (response?.ok === true) return
    await delay(100)
  }
  throw new Error(`${url} did not answer within ${START_MS / 1000} s`)
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

/** Longest that a program may take to stop, in ms: what it leaves when it is killed says nothing of how it stops. */
const STOP_MS = 60_000

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<boolean> {
  if (!isRunning(child)) return true
  const exit = once(child, 'exit')
  child.kill(signal)
  let isKilled = false
  const patience = setTimeout(() => {
    isKilled = true
    child.kill('SIGKILL')
  }, STOP_MS)
  await exit
  clearTimeout(patience)
  return !isKilled
}
