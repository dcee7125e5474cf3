import { mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from '../packaging/files.ts'

const ROOT = join(import.meta.dirname, '../..')

/** A version of the program. */
export interface Version {
  /** What it is called in what is said. */
  name: string
  /** Path of its `cortex`. */
  program: string
}

/** The version of this checkout, from its source. */
export const NOW: Version = { name: 'this version', program: join(ROOT, 'bin/cortex.ts') }

/**
 * What `npm pack` makes of a commit, beside the packages of that commit's lock file.
 * @param folder an empty one, which it all goes into
 * @throws Error where the repository has no such commit, or it cannot be built
 */
export async function packedCommit(commit: string, folder: string): Promise<Version> {
  const source = join(folder, 'source')
  const archive = join(folder, 'source.tar')
  await mkdir(source, { recursive: true })
  await run('git', ['-C', ROOT, 'archive', '--output', archive, commit])
  await run('tar', ['-xf', archive, '-C', source])
  await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: source })
  await run('npm', ['pack', '--pack-destination', folder], { cwd: source })
  const packed = (await readdir(folder)).find((name) => name.endsWith('.tgz'))
  if (packed === undefined) throw new Error(`npm pack made nothing of ${commit}`)
  await run('tar', ['-xzf', join(folder, packed), '-C', folder])
  await symlink(join(source, 'node_modules'), join(folder, 'package/node_modules'))
  return { name: commit, program: join(folder, 'package/dist/bin/cortex.js') }
}

/** What npm installs by this name: a version that was released, such as `cortex-node@0.1.0`, or a packed file. */
export async function installed(what: string, folder: string): Promise<Version> {
  await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', what])
  return { name: what, program: join(folder, 'node_modules/cortex-node/dist/bin/cortex.js') }
}
