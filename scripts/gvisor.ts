import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canInstall, findProgram, installPackages, type Report } from './apt.ts'
import { type EngineHandle, ensureEngine } from './engine.ts'

/** What {@link startGvisorEngine} calls the runtime. */
export const RUNSC = 'runsc'

/** Why gVisor cannot be tried here; null where it can, be it that it is installed first. */
export async function gvisorProblem(): Promise<string | null> {
  if (process.getuid?.() !== 0) return 'needs root, to start an engine of its own'
  if ((await findProgram(RUNSC)) !== null || (await canInstall())) return null
  return 'needs gVisor’s runsc, which Debian’s package of that name has'
}

/** Installs gVisor where it is missing, which takes a network. */
export async function installRunsc(report: Report = toStderr): Promise<void> {
  if ((await findProgram(RUNSC)) === null) await installPackages([RUNSC], report)
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`)
}

/**
 * A program that is gVisor's runtime, installed if need be, as it works without virtual machines and with the network of the
 * container's own namespace.
 *
 * @param folder where it is written
 */
export async function makeRunsc(folder: string, report: Report): Promise<string> {
  await installRunsc(report)
  const path = join(folder, RUNSC)
  await writeFile(path, `#!/bin/sh\nexec ${await findProgram(RUNSC)} --network=host --platform=ptrace "$@"\n`)
  await chmod(path, 0o755)
  return path
}

/** How an engine with gVisor is started. */
export interface GvisorEngineInit {
  /** Of all that it has. */
  folder: string
  /** Put before it, e.g. to have a network of its own. @default none */
  within?: string[]
  /** Further flags of `dockerd`. @default none */
  flags?: string[]
  /** @default standard error */
  report?: Report
}

/** An engine of its own that offers {@link RUNSC} beside its default. */
export async function startGvisorEngine(init: GvisorEngineInit): Promise<EngineHandle> {
  const { folder, within = [], flags = [], report = toStderr } = init
  const runsc = await makeRunsc(folder, report)
  const [program = '', ...args] = [...within, 'dockerd', '--add-runtime', `${RUNSC}=${runsc}`, ...flags]
  return await ensureEngine({
    ...{ candidates: [], dataRoot: join(folder, 'engine'), runDir: join(folder, 'run'), report },
    command: [program, ...args],
  })
}
