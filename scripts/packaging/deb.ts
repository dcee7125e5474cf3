import { createHash } from 'node:crypto'
import { cp, lstat, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { filesBelow, run, settle } from './files.ts'
import type { Arch } from './node-binary.ts'

/** As Debian names processors. */
const DEBIAN_ARCH = { x64: 'amd64', arm64: 'arm64' } as const satisfies Record<Arch, string>
/** Settings that are kept as their owner left them. */
const CONFFILES = ['/etc/cortex/cortex.yaml']
const MAINTAINER = 'Cortex node contributors <maintainers@cortex-node.invalid>'

const sources = join(import.meta.dirname, '../../packaging')

/** How a package is made. */
export interface DebInit {
  arch: Arch
  /** As Debian writes it, e.g. `0.1.0-1`. */
  version: string
  /** Folder of the file. */
  out: string
  /** In s; the time of all files. */
  epoch: number
  /** Of xz, 0..9. */
  level: number
}

/** Makes the Debian package of what {@link layOut} laid out; answers its path. Needs dpkg-deb. */
export async function makeDeb(laid: string, { arch, version, out, epoch, level }: DebInit): Promise<string> {
  const name = `cortex-node_${version}_${DEBIAN_ARCH[arch]}`
  const work = join(out, `.${name}`)
  const usr = join(work, 'usr')
  const doc = join(usr, 'share/doc/cortex-node')
  await rm(work, { recursive: true, force: true })
  await cp(laid, usr, { recursive: true, verbatimSymlinks: true })
  const parts = ['DEBIAN', 'etc/cortex', 'usr/lib/systemd/system', 'usr/share/lintian/overrides']
  for (const part of parts) await mkdir(join(work, part), { recursive: true })
  await cp(join(sources, 'debian/cortex.yaml'), join(work, 'etc/cortex/cortex.yaml'))
  for (const unit of await readdir(join(sources, 'systemd'))) {
    await cp(join(sources, 'systemd', unit), join(usr, 'lib/systemd/system', unit))
  }
  await cp(join(sources, 'debian/lintian-overrides'), join(usr, 'share/lintian/overrides/cortex-node'))

  const man = join(usr, 'share/man/man1/cortex.1')
  await compress(man)
  await rm(join(doc, 'LICENSE')) // named in `copyright`; Debian has the text
  await cp(join(sources, 'debian/copyright'), join(doc, 'copyright'))
  const day = new Date(epoch * 1_000).toUTCString().replace('GMT', '+0000')
  const log = `cortex-node (${version}) stable; urgency=medium\n\n  * This version.\n\n -- ${MAINTAINER}  ${day}\n`
  await writeFile(join(doc, 'changelog.Debian'), log)
  await compress(join(doc, 'changelog.Debian'))

  const control = join(work, 'DEBIAN')
  const size = await installedSize(work)
  const template = await readFile(join(sources, 'debian/control'), 'utf8')
  const fields = { VERSION: version, ARCH: DEBIAN_ARCH[arch], SIZE: String(size), MAINTAINER }
  await writeFile(
    join(control, 'control'),
    template.replaceAll(/@([A-Z]+)@/g, (_all, field: keyof typeof fields) => fields[field]),
  )
  await writeFile(join(control, 'conffiles'), `${CONFFILES.join('\n')}\n`)
  const sums = await Promise.all(
    (await filesBelow(work))
      .filter((path) => !path.startsWith('DEBIAN/') && !CONFFILES.includes(`/${path}`))
      .map(
        async (path) =>
          `${createHash('md5')
            .update(await readFile(join(work, path)))
            .digest('hex')}  ${path}\n`,
      ),
  )
  await writeFile(join(control, 'md5sums'), sums.join(''))
  const scripts = ['postinst', 'prerm', 'postrm']
  for (const script of scripts) await cp(join(sources, 'debian', script), join(control, script))
  const programs = [...scripts.map((script) => `DEBIAN/${script}`), 'usr/bin/cortex', 'usr/lib/cortex-node/node']
  await settle(work, new Set(programs), epoch)

  const file = join(out, `${name}.deb`)
  // One thread: how many there are would show in the bytes.
  const how = ['--root-owner-group', '--threads-max=1', '-Zxz', `-z${level}`, '--build', work, file]
  await run('dpkg-deb', how, { env: { SOURCE_DATE_EPOCH: String(epoch) } })
  await rm(work, { recursive: true })
  return file
}

async function compress(path: string): Promise<void> {
  await writeFile(`${path}.gz`, gzipSync(await readFile(path), { level: 9 }))
  await rm(path)
}

/** In KiB, as dpkg counts: files rounded up, a KiB for everything else. */
async function installedSize(work: string): Promise<number> {
  const files = await Promise.all((await filesBelow(work)).map(async (path) => await lstat(join(work, path))))
  const folders = (await readdir(work, { recursive: true, withFileTypes: true })).filter((one) => one.isDirectory())
  return files.reduce((sum, { size }) => sum + Math.ceil(size / 1_024), folders.length)
}
