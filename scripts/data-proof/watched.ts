import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { PROGRAM } from '../testing/programs.ts'

const MIB = 2 ** 20

/** The most that processes had in memory, by what they are; see {@link createPeaks}. */
export interface Peaks {
  /** Looks at a process as long as it is there. */
  watch(name: string, pid: () => number): void
  /** In MiB, by name. */
  all(): Record<string, number>
  stop(): void
}

/** Asks the kernel for each process's own peak every 200 ms. Linux. */
export function createPeaks(): Peaks {
  const most: Record<string, number> = {}
  const watched: [name: string, pid: () => number][] = []
  const timer = setInterval(() => {
    for (const [name, pid] of watched) most[name] = Math.max(most[name] ?? 0, peakOf(pid()))
  }, 200)
  return {
    watch: (name, pid) => void watched.push([name, pid]),
    all: () => Object.fromEntries(Object.entries(most).map(([name, bytes]) => [name, Math.round(bytes / MIB)])),
    stop: () => clearInterval(timer),
  }
}

function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  } catch {
    return 0 // ended
  }
}

/** Runs `cortex ARGS` to its end, its memory looked at; answers its standard output. @throws where it fails */
export async function cortex(peaks: Peaks, args: string[], env: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: { ...process.env, ...env }, stdio: 'pipe' })
  peaks.watch('command', () => child.pid ?? 0)
  let [out, said] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`cortex ${args.slice(0, 2).join(' ')} failed:\n${said}`)
  return out.trim()
}
