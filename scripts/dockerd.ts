import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Report } from './apt.ts'

export interface DockerdInit {
  dataRoot: string
  runDir: string
  socketPath: string
  /** Program and first arguments, e.g. `['dockerd']`. */
  command: [string, ...string[]]
  /** Asked until it says true. */
  answers: () => Promise<boolean>
  report: Report
}

/** Longest that a `dockerd` may take until it answers, in ms. On a slow disk the first start makes its whole data root. */
const startTimeoutMs = 60_000

/**
 * Starts a private `dockerd` that lives on after this process, and waits until it answers. It reads no configuration of
 * the machine, and keeps its containers apart from another engine's even where both find the same containerd.
 */
export async function startDockerd(init: DockerdInit): Promise<{ pid: number; stop(): Promise<void> }> {
  const { dataRoot, runDir, socketPath, report } = init
  await mkdir(dataRoot, { recursive: true })
  const configPath = join(runDir, 'daemon.json')
  await writeFile(configPath, '{}\n')
  const logPath = join(runDir, 'dockerd.log')
  const log = await open(logPath, 'w')
  report(`starting a private container engine (log: ${logPath})`)
  const [program, ...firstArgs] = init.command
  const child = spawn(
    program,
    [
      firstArgs,
      ['--config-file', configPath],
      ['--data-root', dataRoot],
      ['--exec-root', join(runDir, 'exec')],
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
  await log.close()
  let ended = false
  const exit = once(child, 'exit').then(
    () => {
      ended = true
    },
    () => {
      ended = true
    },
  )
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

/** The line of the log that most likely says why. */
function lastWords(log: string): string {
  const lines = log.trim().split('\n')
  return (
    lines.findLast((line) => /failed to start|level=fatal|permission denied|^(panic|fatal error):/.test(line)) ??
    lines.at(-1) ??
    'no output'
  )
}
