import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Report } from './apt.ts'

export interface DockerdInit {
  dataRoot: string
  runDir: string
  socketPath: string
  /** Program and first arguments, e.g. `['dockerd']`. */
  command: [string, ...string[]]
  /** Its configuration. @default empty */
  config?: object
  /** Asked until it says true. */
  answers: () => Promise<boolean>
  report: Report
}

export interface Dockerd {
  pid: number
  stop(): Promise<void>
}

/** Longest that a `dockerd` may take until it answers, in ms. On a slow disk the first start makes its whole data root. */
const startTimeoutMs = 60_000

/** How long a containerd may go on after its `dockerd` was killed, in ms. */
const containerdEndMs = 1_000

/**
 * How Docker 20.10 ends over a network that it was making when it was killed: its file has it without addresses.
 * https://github.com/moby/libnetwork, controller.go, reservePools
 */
const HALF_MADE_NETWORK = /^panic: .*libnetwork\.\(\*controller\)\.reservePools/ms

/**
 * Starts a private `dockerd` that lives on after this process, and waits until it answers. It reads no configuration of
 * the machine, and keeps its containers apart from another engine's even where both find the same containerd.
 */
export async function startDockerd(init: DockerdInit): Promise<Dockerd> {
  try {
    return await start(init)
  } catch (error) {
    if (!HALF_MADE_NETWORK.test(await readFile(logOf(init), 'utf8'))) throw error
    init.report('the engine was killed while it made a network: starting it without its networks')
    await rm(join(init.dataRoot, 'network', 'files', 'local-kv.db'), { force: true })
    return await start(init)
  }
}

async function start(init: DockerdInit): Promise<Dockerd> {
  const { dataRoot, runDir, socketPath, report } = init
  await mkdir(dataRoot, { recursive: true })
  await forgetContainerd(join(execRootOf(init), 'containerd', 'containerd.pid'))
  const configPath = join(runDir, 'daemon.json')
  await writeFile(configPath, JSON.stringify(init.config ?? {}))
  const logPath = logOf(init)
  const log = await open(logPath, 'w')
  report(`starting a private container engine (log: ${logPath})`)
  const [program, ...firstArgs] = init.command
  const child = spawn(
    program,
    [
      firstArgs,
      ['--config-file', configPath],
      ['--data-root', dataRoot],
      ['--exec-root', execRootOf(init)],
      ['--pidfile', join(runDir, 'dockerd.pid')],
      ['--containerd-namespace', 'cortex-dev'],
      ['--containerd-plugins-namespace', 'cortex-dev-plugins'],
      ['-H', `unix://${socketPath}`],
    ].flat(),
    {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    },
  )
  let ended = false
  // Before anything is waited for: it may end at once.
  const exit = once(child, 'exit').then(
    () => {
      ended = true
    },
    () => {
      ended = true
    },
  )
  await log.close()
  const deadline = performance.now() + startTimeoutMs
  while (!(await init.answers())) {
    if (ended || performance.now() > deadline) {
      if (!ended) child.kill('SIGTERM')
      throw new Error(`dockerd did not start: ${lastWords(await readFile(logPath, 'utf8'))} (${logPath})`)
    }
    await Promise.race([exit, delay(100)])
  }
  child.unref()
  return {
    pid: child.pid as number,
    async stop() {
      if (ended) return
      child.ref()
      child.kill('SIGTERM')
      await exit
    },
  }
}

/**
 * A killed `dockerd` takes its containerd with it. Until somebody has reaped that, the next `dockerd` takes it for
 * running, waits 15 s for its answer, and ends (seen with 20.10). One that does run is left to the next one.
 */
async function forgetContainerd(pidPath: string): Promise<void> {
  const pid = Number(await readFile(pidPath, 'utf8').catch(() => ''))
  if (!(pid > 0)) return
  const deadline = performance.now() + containerdEndMs
  while (performance.now() < deadline) {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null)
    // The name before the state is in parentheses, and may have any character in it.
    const state = stat === null ? 'gone' : stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3)
    if (state === 'gone' || state === 'Z' || state === 'X') return await rm(pidPath, { force: true })
    await delay(20)
  }
}

function execRootOf({ runDir }: DockerdInit): string {
  return join(runDir, 'exec')
}

function logOf({ runDir }: DockerdInit): string {
  return join(runDir, 'dockerd.log')
}

/** The line of the log that most likely says why. */
function lastWords(log: string): string {
  const lines = log.trim().split('\n')
  return (
    lines.findLast((line) => /failed to start|level=fatal|permission denied|^(panic|fatal error):/.test(line)) ??
    lines.at(-1) ??
    'no output'
  )
}
