import { readFile } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'

/** The version of this program, as its package says it; `0.0.0` where there is none. */
export async function ownVersion(): Promise<string> {
  const path = findPackageJSON(import.meta.url)
  if (path === undefined) return '0.0.0'
  return (JSON.parse(await readFile(path, 'utf8')) as { version: string }).version
}
