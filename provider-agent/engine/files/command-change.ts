import { type FileAccess, FileError } from '../file-access.ts'
import type { RunCommand } from '../running-exec.ts'
import { programsOf } from './command-run.ts'

/** Sets permission bits and times by programs of the image, where nothing outside can do that. */
export async function changeByCommand(
  exec: RunCommand,
  name: string,
  path: string,
  { mode, mtimeMs }: Parameters<FileAccess['change']>[2],
  signal?: AbortSignal,
): Promise<void> {
  const run = programsOf(exec, name, signal)
  const failed = 'Its mode or time could not be set: it is read-only, or the job runs as another user'
  if (mode !== undefined && (await run('chmod', mode.toString(8).padStart(4, '0'), '--', path)) !== 0) {
    throw new FileError('BAD_PATH', failed)
  }
  const seconds = Math.floor((mtimeMs ?? 0) / 1000)
  if (mtimeMs !== undefined && (await run('touch', '-c', '-d', `@${seconds}`, '--', path)) !== 0) {
    throw new FileError('BAD_PATH', failed)
  }
}

/** Renames by a program of the image. @param at what is at `to`; null for nothing */
export async function moveByCommand(
  exec: RunCommand,
  name: string,
  { from, to, at }: { from: string; to: string; at: { type: string } | null },
  signal?: AbortSignal,
): Promise<void> {
  // It would go into the folder, and not in its place.
  if (at?.type === 'folder') throw new FileError('BAD_PATH', 'There is a folder at the new path already')
  if ((await programsOf(exec, name, signal)('mv', '-f', '--', from, to)) !== 0) {
    throw new FileError('BAD_PATH', 'It could not be renamed: a folder on the way is missing, or read-only')
  }
}
