/**
 * What reaches into a container that `ContainerEngine` runs: its address, commands, a look, its files. Apart from
 * the steps of its life, because nothing here may change them.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { type ContainerHealth, readContainerHealth } from '../../protocol/endpoints.ts'
import { addressOf, networkSettings } from '../networks/network-mode.ts'
import { type Abort, askEngine } from './ask-engine.ts'
import { checkName } from './container/spec.ts'
import { endExec } from './end-command.ts'
import { statusOf } from './errors.ts'
import type { FileAccess } from './file-access.ts'
import { createFileAccess } from './files.ts'
import { type AbortOptions, EngineError } from './index.ts'
import type { ExecRequest, RunCommand, RunningExec } from './running-exec.ts'
import { listensAt, processFolder } from './usage/kernel-view.ts'
import { hasOwnKernel } from './usage/own-kernel.ts'
import { toReading } from './usage/stats-sample.ts'

/** Ways into containers, each by its name on the engine. What the engine fails at rejects with {@link EngineError}. */
export interface ContainerAccess extends FileAccess {
  /** Where a port of the running container is dialled from this machine; null where it has no network. */
  locate(name: string, port: number, protocol: 'TCP' | 'UDP', options?: AbortOptions): Promise<Endpoint | null>

  /** How it does, without a word to its programs: what its health check says, and whether they listen at these ports. */
  look(name: string, ports: Port[], options?: AbortOptions): Promise<ContainerState>

  /**
   * Runs a command in the running container.
   * @throws {EngineError} `INVALID_COMMAND` where there is no such program
   */
  exec: RunCommand

  /** What the container is doing at the moment. */
  inspect(name: string, options?: AbortOptions): Promise<ContainerLook>
}

interface Port {
  port: number
  protocol: 'TCP' | 'UDP'
}

/** What {@link ContainerAccess.look} sees. */
export interface ContainerState {
  /** Null where its image has no check, or says that there is to be none. */
  health: ContainerHealth | null
  /** In the order in which they were asked for. */
  ports: PortState[]
}

/** One of the ports that were asked for. */
export interface PortState {
  /** As {@link ContainerAccess.locate} tells it. */
  endpoint: Endpoint | null
  /** Whether a program listens there; null where only a connection could tell. */
  listens: boolean | null
}

/**
 * Where a port is dialled from this machine: the container's own address, or loopback where that is not reached from
 * here.
 */
export interface Endpoint {
  host: string
  port: number
  /** Where everybody reaches it at this machine; null where it is not published. */
  published: { address: string; port: number } | null
}

/** What {@link ContainerAccess.inspect} sees. All sizes are in bytes. */
export interface ContainerLook {
  /** By the engine's clock, in ms since the epoch. */
  startedAtMs: number
  processes: { pid: number; user: string; command: string }[]
  usage: { memoryBytes: number; memoryLimitBytes: number; processes: number; rxBytes: number; txBytes: number }
  mounts: { path: string; name: string; readOnly: boolean }[]
  networks: { address: string; gateway: string }[]
}

/** What Docker answers as the exit code of an exec that is not over. */
const NOT_OVER = null
/** How long an engine may take from the end of a command's output to noting its exit, in ms. */
const EXIT_NOTED_MS = 60_000
const EXIT_LOOK_MS = 20

/** @param publicAddress the machine's own, where ports are published at one */
export function createContainerAccess(docker: Docker, publicAddress: string | null = null): ContainerAccess {
  const access: Omit<ContainerAccess, keyof FileAccess> = {
    locate: (name, port, protocol, { signal } = {}) =>
      askEngine(`finding ${name}`, signal, async (abort) => {
        checkName(name)
        const details = await docker.getContainer(name).inspect(abort)
        return placeOf(await networkSettings(docker, details, abort), { port, protocol }, publicAddress)
      }),

    look: (name, ports, { signal } = {}) =>
      askEngine(`looking at ${name}`, signal, async (abort) => {
        checkName(name)
        const details = await docker.getContainer(name).inspect(abort)
        const settings = ports.length === 0 ? null : await networkSettings(docker, details, abort)
        const folder = await processFolder(details)
        const listens = async ({ port, protocol }: Port): Promise<boolean | null> => {
          const seen = folder === null ? null : await listensAt(folder, port, protocol)
          return seen === false && hasOwnKernel(details) ? null : seen
        }
        return {
          health: readContainerHealth(details.State.Health?.Status ?? ''),
          ports: await Promise.all(
            ports.map(async (port) => ({
              endpoint: settings === null ? null : placeOf(settings, port, publicAddress),
              listens: await listens(port),
            })),
          ),
        }
      }),

    exec: (name, request, { signal } = {}) =>
      askEngine(`running a command in ${name}`, signal, async (abort) => {
        checkName(name)
        return await openExec(docker.getContainer(name), request, abort)
      }),

    inspect: (name, { signal } = {}) =>
      askEngine(`looking into ${name}`, signal, async (abort) => {
        checkName(name)
        const container = docker.getContainer(name)
        const [{ details, top }, stats] = await Promise.all([
          processesOf(container, abort),
          container.stats({ stream: false, 'one-shot': true, ...abort } as { stream: false }),
        ])
        const { Networks: networks } = await networkSettings(docker, details, abort)
        return { ...inspectionOf(details, top, stats), networks: addressesOf(networks) }
      }),
  }
  return { ...access, ...createFileAccess(docker, access.exec) }
}

/**
 * A container's description, and its processes: none where it has a kernel of its own. Such a runtime tells the engine its
 * own numbers of them, and the engine looks up what this machine has under those.
 */
async function processesOf(container: Docker.Container, abort: Abort) {
  const details = await container.inspect(abort)
  const top = hasOwnKernel(details) ? NO_PROCESSES : await container.top({ ps_args: '-eo pid,user,args', ...abort })
  return { details, top: top as { Processes: string[][] } }
}

const NO_PROCESSES = { Processes: [] }

/** How often a terminal's size is told until the engine takes it, and the pause between, in ms. */
const SIZING_TRIES = 6
const SIZE_AGAIN_MS = 200

async function openExec(container: Docker.Container, request: ExecRequest, abort: Abort): Promise<RunningExec> {
  const { command, terminal, columns, rows, input } = request
  const isSized = terminal && columns > 0 && rows > 0
  // From Docker 23 on a terminal has its size before its program looks.
  const size: { ConsoleSize?: [number, number] } = isSized ? { ConsoleSize: [rows, columns] } : {}
  const exec = await container.exec({
    Cmd: command,
    AttachStdin: input,
    AttachStdout: true,
    AttachStderr: true,
    Tty: terminal,
    ...size,
    ...abort,
  })
  const stream = await exec.start({ hijack: true, stdin: input, Tty: terminal, ...size })
  const resize = async (width: number, height: number): Promise<void> => {
    await exec.resize({ w: width, h: height })
  }
  if (isSized) await sizeAtFirst(exec, async () => await resize(columns, rows))
  const end = async (): Promise<void> => await endExec(exec)
  return { stream, framed: !terminal, resize, exitCode: async () => await exitCodeOf(exec), end }
}

/**
 * Until the engine has begun the command there is no terminal to size; it waits for that itself, for 10 s, and then says no. A
 * command that has ended has none any more.
 */
async function sizeAtFirst(exec: Docker.Exec, resize: () => Promise<void>): Promise<void> {
  for (let tries = 0; tries < SIZING_TRIES; tries += 1) {
    try {
      return await resize()
    } catch {
      const { Running: running, ExitCode: exitCode } = await exec.inspect()
      if (!running && exitCode !== null) return
      await delay(SIZE_AGAIN_MS)
    }
  }
}

/** Of the engine's answers, all but the networks. */
function inspectionOf(
  details: Docker.ContainerInspectInfo,
  top: { Processes: string[][] },
  stats: Docker.ContainerStats,
): Omit<ContainerLook, 'networks'> {
  const reading = toReading(stats)
  return {
    startedAtMs: Date.parse(details.State.StartedAt),
    processes: top.Processes.map(([pid = '', user = '', ...words]) => ({
      pid: Number(pid),
      user,
      command: words.join(' '),
    })),
    usage: {
      memoryBytes: reading?.memoryBytes ?? 0,
      memoryLimitBytes: details.HostConfig.Memory ?? 0,
      processes: stats.pids_stats?.current ?? top.Processes.length,
      rxBytes: reading?.rxBytes ?? 0,
      txBytes: reading?.txBytes ?? 0,
    },
    mounts: details.Mounts.map(({ Destination: path, Name: volume, RW: writable }) => ({
      path,
      name: volume ?? '',
      readOnly: !writable,
    })),
  }
}

function addressesOf(networks: Docker.ContainerInspectInfo['NetworkSettings']['Networks']): ContainerLook['networks'] {
  return Object.values(networks)
    .filter(({ IPAddress: address }) => address !== '')
    .map(({ IPAddress: address, Gateway: gateway }) => ({ address, gateway }))
}

/** Where a port of a container is dialled; null where it has no network. */
function placeOf(
  settings: Docker.ContainerInspectInfo['NetworkSettings'],
  { port, protocol }: Port,
  publicAddress: string | null,
): Endpoint | null {
  // Published on loopback where the container's own address cannot be reached from here: rootless engines.
  const bindings = settings.Ports?.[`${port}/${protocol.toLowerCase()}`] ?? []
  const outside = bindings.find(({ HostIp: ip }) => !isLoopback(ip))
  const published =
    publicAddress === null || outside === undefined ? null : { address: publicAddress, port: Number(outside.HostPort) }
  const inside = bindings.find(({ HostIp: ip }) => isLoopback(ip))
  if (inside !== undefined) return { host: inside.HostIp, port: Number(inside.HostPort), published }
  const address = addressOf({ NetworkSettings: settings })
  return address === null ? null : { host: address, port, published }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}

/** The engine notes the exit a moment after the output has ended: seconds on a busy machine. */
async function exitCodeOf(exec: Docker.Exec): Promise<number> {
  for (let waitedMs = 0; waitedMs < EXIT_NOTED_MS; waitedMs += EXIT_LOOK_MS) {
    const { ExitCode: code, Running: running } = await exec.inspect()
    if (!running && code !== NOT_OVER) return code
    await delay(EXIT_LOOK_MS)
  }
  throw new EngineError('ENGINE_ERROR', 'the engine does not say how the command ended', { reason: 'no-exit-code' })
}

/** Whether the engine says that there is nothing at the path, or no container. */
export function isMissing(error: unknown): boolean {
  return error instanceof EngineError && (error.details.reason === 'not-found' || statusOf(error.cause) === 404)
}
