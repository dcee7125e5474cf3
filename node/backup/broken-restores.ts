import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { processOf } from '../process-of.ts'

/** Where a restore into a folder writes before it takes its place. */
export function stagingOf(folder: string): string {
  return `${folder}.restoring-${process.pid}`
}

/** Folders beside one of restores into it that were broken off: those of processes that are no more. */
export async function brokenRestores(folder: string): Promise<string[]> {
  const beginning = `${basename(folder)}.restoring-`
  const names = await readdir(dirname(folder)).catch((): string[] => []) // nothing is there
  return names
    .filter((name) => name.startsWith(beginning) && !runs(Number(name.slice(beginning.length))))
    .map((name) => join(dirname(folder), name))
}

function runs(pid: number): boolean {
  return Number.isInteger(pid) && pid > 0 && processOf(pid) !== null
}
