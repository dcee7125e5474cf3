import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { describeContents } from './contents.ts'
import { run, settle, tarball } from './files.ts'
import { type Arch, nodeFolder, pinnedNode } from './node-binary.ts'

const root = join(import.meta.dirname, '../..')
const sources = join(root, 'packaging')

/** Of installed packages: nobody compiles, debugs or type-checks there. */
const NOT_RUN = new Set(['.ts', '.cts', '.mts', '.map', '.c', '.cc', '.cpp', '.h', '.hpp', '.gyp', '.gypi', '.bare'])
/** Settings of tools that work on a package's source; and what is built for a C library that the Node here is not. */
const NOT_HERE = /\/node_modules\/(?:.*\/)?(?:\.[^/]+|[^/]+\.musl\.node)$/
/** What is run, of all files in a package. */
const PROGRAMS = new Set(['bin/cortex', 'lib/cortex-node/node', 'install.sh'])

/** The program as built and installed, for any processor. */
export interface Program {
  version: string
  /** With `dist`, `node_modules`, `package.json` and `package-lock.json`. */
  folder: string
}

/** Builds the program and installs what it needs, as the lock file says, from nothing. */
export async function makeProgram(folder: string): Promise<Program> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  for (const name of ['package.json', 'package-lock.json']) await cp(join(root, name), join(folder, name))
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  await run('npm', ['ci', '--omit=dev', '--ignore-scripts', ...quiet], { cwd: folder })
  await run(process.execPath, [join(root, 'scripts/build.ts'), join(folder, 'dist')])
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  return { version, folder }
}

/** Lays out `bin`, `lib` and `share` of a package for one processor. @param epoch time of all files, in s */
export async function layOut(program: Program, arch: Arch, folder: string, epoch: number): Promise<void> {
  const node = { version: (await pinnedNode()).version, folder: await nodeFolder(arch) }
  const lib = join(folder, 'lib/cortex-node')
  const doc = join(folder, 'share/doc/cortex-node')
  const man = join(folder, 'share/man/man1')
  await rm(folder, { recursive: true, force: true })
  for (const path of [join(folder, 'bin'), lib, doc, man]) await mkdir(path, { recursive: true })

  await cp(join(node.folder, 'bin/node'), join(lib, 'node'))
  for (const name of ['dist', 'node_modules']) {
    await cp(join(program.folder, name), join(lib, name), {
      ...{ recursive: true, verbatimSymlinks: true, filter: (path: string) => isRun(path, arch) },
    })
  }
  await rm(join(lib, 'dist/gateway/dashboard/dist/.sources'), { force: true })
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, unknown>
  const kept = ['name', 'version', 'description', 'license', 'type', 'engines']
  const own = Object.fromEntries(kept.map((name) => [name, manifest[name]]))
  await writeFile(join(lib, 'package.json'), `${JSON.stringify(own, null, 2)}\n`)
  await cp(join(sources, 'cortex.sh'), join(folder, 'bin/cortex'))
  await cp(join(sources, 'cortex.1'), join(man, 'cortex.1'))

  for (const name of ['LICENSE', 'README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'docs']) {
    await cp(join(root, name), join(doc, name), { recursive: true })
  }
  const { sbom, licences } = await describeContents(program.folder, node, epoch)
  await writeFile(join(doc, 'sbom.cdx.json'), sbom)
  await writeFile(join(doc, 'THIRD-PARTY-LICENSES'), licences)
  await settle(folder, PROGRAMS, epoch)
}

function isRun(path: string, arch: Arch): boolean {
  if (NOT_HERE.test(path)) return false
  const [, built] = /\/prebuilds\/([^/]+)/.exec(path) ?? []
  if (built !== undefined && built !== `linux-${arch}`) return false
  return !NOT_RUN.has(extname(path)) || path.includes('/dashboard/dist/')
}

/** Makes the archive that is unpacked anywhere. Answers its path. */
export async function makeTarball(
  laid: string,
  name: string,
  out: string,
  { epoch, level }: { epoch: number; level: number },
): Promise<string> {
  const work = join(out, `.${name}`)
  await rm(work, { recursive: true, force: true })
  await cp(laid, join(work, name), { recursive: true, verbatimSymlinks: true })
  await cp(join(sources, 'install.sh'), join(work, name, 'install.sh'))
  await settle(join(work, name), PROGRAMS, epoch)
  const file = join(out, `${name}.tar.gz`)
  await tarball(work, name, file, epoch, level)
  await rm(work, { recursive: true })
  return file
}
