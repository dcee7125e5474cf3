import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from '../../node/exists.ts'
import { run } from './files.ts'

/** What a package is for, as Node names it. */
export type Arch = 'x64' | 'arm64'

/** All that packages are made for. */
export const ARCHES: readonly Arch[] = ['x64', 'arm64']

const root = join(import.meta.dirname, '../..')

interface Pinned {
  version: string
  integrity: Record<Arch, string>
}

/** The Node that goes into the packages: its version, and what its archives must be. */
export async function pinnedNode(): Promise<Pinned> {
  return JSON.parse(await readFile(join(root, 'packaging/node.json'), 'utf8')) as Pinned
}

/**
 * A folder with `bin/node` and `LICENSE` of the Node for a processor, as npm carries it; fetched once.
 *
 * @throws Error where what came is not what `packaging/node.json` says
 */
export async function nodeFolder(arch: Arch): Promise<string> {
  const { version, integrity } = await pinnedNode()
  const cache = join(root, '.cache', 'packaging')
  const folder = join(cache, `node-${version}-${arch}`)
  if (await exists(join(folder, 'bin/node'))) return folder
  await mkdir(cache, { recursive: true })
  const work = await mkdtemp(join(cache, 'fetching-'))
  try {
    const name = `node-linux-${arch}@${version}`
    const said = await run('npm', ['pack', name, '--json', '--prefer-offline', '--loglevel=error'], { cwd: work })
    const [packed] = JSON.parse(said) as [{ filename: string }]
    const archive = join(work, packed.filename)
    const digest = `sha512-${createHash('sha512')
      .update(await readFile(archive))
      .digest('base64')}`
    if (digest !== integrity[arch]) throw new Error(`${name} is ${digest}, and not what packaging/node.json says`)
    await run('tar', ['-xzf', archive, '-C', work, 'package/bin/node', 'package/LICENSE'])
    await rm(folder, { recursive: true, force: true })
    await rename(join(work, 'package'), folder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return folder
}
