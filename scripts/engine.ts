import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { engineAddress, USUAL_SOCKET } from '../provider-agent/engine/address.ts'
import { askSocket } from '../provider-agent/engine/find-engine.ts'
import { canInstall, findProgram, installPackages, type Report } from './apt.ts'
import { startDockerd } from './dockerd.ts'
import { lockFile } from './file-lock.ts'

/** A container engine that answers. */
export interface EngineHandle {
  /** Path of its unix socket. */
  socketPath: string
  /** Whether this call started it. */
  startedByUs: boolean
  /**
   * Ends the engine if this call started it and no other process uses it any more; otherwise only says that this
   * process no longer does. May be repeated.
   */
  stop(): Promise<void>
}

export interface EnsureEngineInit {
  /**
   * Images and containers of the private engine; kept between runs.
   * @default '/var/lib/cortex-dev-engine'
   */
  dataRoot?: string
  /**
   * Socket, pid file, locks and log of the private engine.
   * @default '/run/cortex-dev-engine'
   */
  runDir?: string
  /**
   * Sockets to try before a private engine.
   * @default DOCKER_HOST, then /var/run/docker.sock
   */
  candidates?: string[]
  /**
   * Program and first arguments of the private engine. A second one on a machine needs a network namespace of its own
   * (`unshare --net dockerd`): engines tear at each other's bridges and firewall rules.
   * @default ['dockerd']
   */
  command?: [string, ...string[]]
  /** Gets a line for every step that takes long. @default standard error */
  report?: Report
}

const noEngine = 'no container engine found'
const remedy =
  'install Docker (Debian, Ubuntu: `sudo apt-get install docker.io`) and start it, or set DOCKER_HOST=unix:///path'

/**
 * Finds a container engine for the demo and the tests, or makes one: `DOCKER_HOST`, then `/var/run/docker.sock`, then a
 * private `dockerd` of an earlier run, and where there is none, as root on Debian or Ubuntu, a new one, installed with
 * apt-get if need be. Processes that call it at the same time share one.
 *
 * @throws Error of one line that says what to install or to change.
 */
export async function ensureEngine(init: EnsureEngineInit = {}): Promise<EngineHandle> {
  const report = init.report ?? ((line) => process.stderr.write(`${line}\n`))
  const candidates = init.candidates ?? candidatesFromEnvironment(process.env)
  const found = await firstAnswering(candidates)
  if (found.socketPath !== null) return foreign(found.socketPath)

  const runDir = init.runDir ?? '/run/cortex-dev-engine'
  const socketPath = join(runDir, 'docker.sock')
  if (process.getuid?.() !== 0) {
    const own = await firstAnswering([socketPath])
    if (own.socketPath !== null) return foreign(socketPath)
    const denied = found.denied ?? own.denied
    if (denied === null) throw new Error(`${noEngine}: ${remedy}`)
    throw new Error(`no permission to use ${denied}: run \`sudo usermod -aG docker $USER\`, then sign in again`)
  }

  await mkdir(runDir, { recursive: true })
  if ((await findProgram('flock')) === null) throw new Error(`${noEngine}: ${remedy}`)
  const starting = await lockFile(join(runDir, 'start.lock'), 'exclusive')
  try {
    const usersPath = join(runDir, 'users.lock')
    if ((await askSocket(socketPath)) === 'answers') {
      const use = await lockFile(usersPath, 'shared')
      return { socketPath, startedByUs: false, stop: () => use.release() }
    }
    const system = await installEngine(candidates, report)
    if (system !== null) return foreign(system)

    const dockerd = await startDockerd({
      dataRoot: init.dataRoot ?? '/var/lib/cortex-dev-engine',
      runDir,
      socketPath,
      command: init.command ?? ['dockerd'],
      answers: async () => (await askSocket(socketPath)) === 'answers',
      report,
    })
    const use = await lockFile(usersPath, 'shared')
    return {
      socketPath,
      startedByUs: true,
      async stop() {
        await use.release()
        const alone = await lockFile(usersPath, 'try-exclusive')
        if (alone === null) return
        await dockerd.stop()
        await alone.release()
      },
    }
  } finally {
    await starting.release()
  }
}

/** Installs what is missing for a `dockerd`. Answers the socket of a system engine if the installation started one. */
async function installEngine(candidates: string[], report: Report): Promise<string | null> {
  const missing: string[] = []
  if ((await findProgram('dockerd')) === null) missing.push('docker.io')
  if ((await findProgram('iptables')) === null) missing.push('iptables')
  if (missing.length === 0) return null
  if (!(await canInstall())) {
    throw new Error(`${noEngine}: install ${missing.join(' and ')}, or set DOCKER_HOST=unix:///path`)
  }
  await installPackages(missing, report)
  return (await firstAnswering(candidates)).socketPath
}

/** The unix sockets that the environment names. */
function candidatesFromEnvironment({ DOCKER_HOST: named }: NodeJS.ProcessEnv): string[] {
  if (named === undefined || named === '') return [USUAL_SOCKET]
  const address = engineAddress(named)
  if (!('socketPath' in address)) throw new Error(`DOCKER_HOST=${named}: only unix:///path is supported here`)
  return [address.socketPath, USUAL_SOCKET]
}

async function firstAnswering(candidates: string[]): Promise<{ socketPath: string | null; denied: string | null }> {
  let denied: string | null = null
  for (const socketPath of candidates) {
    const answer = await askSocket(socketPath)
    if (answer === 'answers') return { socketPath, denied: null }
    if (answer === 'denied') denied = socketPath
  }
  return { socketPath: null, denied }
}

/** An engine that somebody else keeps. */
function foreign(socketPath: string): EngineHandle {
  return { socketPath, startedByUs: false, stop: async () => {} }
}

if (import.meta.main) {
  // For people: `node scripts/engine.ts` brings up an engine, leaves it running, and prints its address.
  try {
    const engine = await ensureEngine()
    process.stdout.write(`unix://${engine.socketPath}\n`)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
    process.exitCode = 1
  }
}
