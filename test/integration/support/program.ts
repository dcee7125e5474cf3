import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { PROGRAM } from '../../../scripts/testing/programs.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: Buffer
  stderr: string
}

export interface Program {
  readonly child: ChildProcess
  /** Resolves when its standard error matches; rejects when it ended before. Answers the match. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  /** As {@link Program.says}, for its standard output. */
  prints(pattern: RegExp): Promise<RegExpExecArray>
  readonly ended: Promise<Ended>
}

/** Without what whoever runs the tests has set for this program. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith('CORTEX_') || name.startsWith('CORTEX_TEST_')),
  )
}

/** Starts `cortex`, as people do. */
export function startCortex(args: string[], env: Record<string, string> = {}): Program {
  return startProgram(PROGRAM, args, env)
}

/** Starts the source of a program of this package, e.g. `scripts/demo.ts`, as people do. */
export function startProgram(file: string, args: string[], env: Record<string, string> = {}): Program {
  const child = spawn(process.execPath, [resolve(ROOT, file), ...args], {
    env: { ...withoutSettings(process.env), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stdout: Buffer[] = []
  let stderr = ''
  let isOver = false
  const waiting = new Set<() => void>()
  const wake = (): void => {
    for (const look of waiting) look()
  }
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout.push(chunk)
    wake()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    wake()
  })
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    isOver = true
    wake()
    return { code, signal, stdout: Buffer.concat(stdout), stderr }
  })
  return {
    child,
    ended,
    says: async (pattern) => await matching(pattern, () => stderr),
    prints: async (pattern) => await matching(pattern, () => Buffer.concat(stdout).toString()),
  }

  function matching(pattern: RegExp, text: () => string): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(text())
        if (match !== null) resolve(match)
        else if (isOver) reject(new Error(`It ended without ${pattern}: ${text()}`))
        else return
        waiting.delete(look)
      }
      waiting.add(look)
      look()
    })
  }
}
