import { globSync, readFileSync } from 'node:fs'

/**
 * Ends what an engine with its files under this folder left running and knows no more: one that is killed while it makes
 * or removes a container forgets the shim, which waits for ever, and what it holds.
 */
export function endShims(folder: string): void {
  for (const file of globSync('/proc/[0-9]*/cmdline')) {
    const [program = '', ...args] = read(file).split('\0')
    if (!program.includes('containerd-shim') || !args.some((arg) => arg.startsWith(`${folder}/`))) continue
    const pid = file.split('/')[2] ?? ''
    const held = globSync(`/proc/${pid}/task/*/children`).flatMap((children) => read(children).trim().split(/\s+/))
    for (const each of [...held, pid].filter(Boolean)) kill(Number(each))
  }
}

/** Nothing where the process has ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}
