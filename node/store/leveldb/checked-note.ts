import type { BigIntStats } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { replacePrivateFile } from '../../private-file.ts'

/**
 * Tables that were read and found whole: name → what tells that the file is still the same one, and when it was read, ms.
 * LevelDB never changes a table, so one that the file system says is the same need not be read at each opening.
 */
export type CheckedTables = Record<string, { file: string; atMs: number }>

/** Size, times and number of a file: each write of it, and each copy, changes one of them. */
export function identityOf({ size, mtimeNs, ctimeNs, ino }: BigIntStats): string {
  return `${size} ${mtimeNs} ${ctimeNs} ${ino}`
}

/** Nothing where there is no note, or it cannot be read: then all is read. */
export async function readChecked(noteFile: string): Promise<CheckedTables> {
  try {
    const note = JSON.parse(await readFile(noteFile, 'utf8')) as unknown
    if (typeof note !== 'object' || note === null) return {}
    return Object.fromEntries(Object.entries(note).filter(([, one]) => isEntry(one)))
  } catch {
    return {} // without it nothing is known
  }
}

/** So that a crash leaves the one before or this one. */
export async function noteChecked(noteFile: string, checked: CheckedTables): Promise<void> {
  await replacePrivateFile(noteFile, JSON.stringify(checked))
}

function isEntry(value: unknown): boolean {
  const { file, atMs } = (value ?? {}) as { file?: unknown; atMs?: unknown }
  return typeof file === 'string' && typeof atMs === 'number'
}
