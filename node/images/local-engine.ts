/** The user's own container engine, by its command: so its contexts, hosts, builders and passwords are what they are to its user. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

/** Tried in this order. */
const COMMANDS = ['docker', 'podman']
/** Characters of what the command says that are told. */
const MAX_SAID = 2_000

/** There is no engine's command, or it failed. The message is for people. */
export class LocalEngineError extends Error {
  override readonly name = 'LocalEngineError'
}

/**
 * Builds an image of a folder, under a name. What the command says goes to this process's standard error.
 *
 * @throws {LocalEngineError}
 */
export async function buildImage(folder: string, name: string): Promise<void> {
  const { child, command } = await begun(['build', '-t', name, folder], ['ignore', 2, 2])
  await ended(child, () => `${command} build ${folder} failed: what it said is above`)
}

/**
 * An image as an archive.
 *
 * @param take reads it to its end
 * @throws {LocalEngineError} @throws what `take` ends with
 */
export async function saveImage<T>(name: string, take: (archive: Readable) => Promise<T>): Promise<T> {
  const { child, command } = await begun(['save', name], ['ignore', 'pipe', 'pipe'])
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MAX_SAID)
  })
  const over = ended(child, () => `${command} save ${name}: ${said.trim()}`)
  const [end, taken] = await Promise.allSettled([
    over,
    take(child.stdout as Readable).finally(() => child.stdout?.destroy()),
  ])
  // Why an archive broke off is the command's to say, where it says anything.
  if (end.status === 'rejected' && said !== '') throw end.reason
  if (taken.status === 'rejected') throw taken.reason
  if (end.status === 'rejected') throw end.reason
  return taken.value
}

type Stdio = ('ignore' | 'pipe' | 2)[]

/** The first of the commands that is there, begun. */
async function begun(args: string[], stdio: Stdio): Promise<{ child: ChildProcess; command: string }> {
  for (const command of COMMANDS) {
    const child = spawn(command, args, { stdio })
    try {
      await once(child, 'spawn')
      return { child, command }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  throw new LocalEngineError(
    `neither ${COMMANDS.join(' nor ')} is installed here: install one, or give the image as a file, with cortex image push`,
  )
}

/** Resolves when it has ended well. */
async function ended(child: ChildProcess, problem: () => string): Promise<void> {
  const [code] = await once(child, 'close')
  if (code !== 0) throw new LocalEngineError(problem())
}
