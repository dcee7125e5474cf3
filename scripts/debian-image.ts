import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type Docker from 'dockerode'
import { canInstall, installPackages, type Report } from './apt.ts'
import { lockFile } from './file-lock.ts'
import { importRoot, isPresent } from './image.ts'

/** Servers as their Debian packages install them, all in one image: nginx, PostgreSQL, Redis, Python, sshd, cron, sudo. */
export const debianImage = 'cortex/debian-servers:2'

/** Held by whoever makes it, which only root can. */
const LOCK = '/run/cortex-dev-debian-image.lock'
const PACKAGES = [
  ...['nginx-light', 'postgresql', 'redis-server', 'python3-minimal'],
  ...['openssh-server', 'openssh-client', 'sudo', 'cron', 'libcap2-bin'],
]

/**
 * Makes {@link debianImage} present on an engine, from the packages that this machine's own apt uses; takes a minute the
 * first time, nothing afterwards. Answers null where that is not possible: no root, or no Debian.
 */
export async function ensureDebianImage(docker: Docker, report: Report): Promise<string | null> {
  if (await isPresent(docker, debianImage)) return debianImage
  const source = await aptSource()
  if (source === null || !(await canInstall())) return null
  // Tests that begin together all want it: one makes it, and the others find it.
  const lock = await lockFile(LOCK, 'exclusive')
  try {
    if (!(await isPresent(docker, debianImage))) await makeImage(docker, source, report)
  } finally {
    await lock.release()
  }
  return debianImage
}

async function makeImage(docker: Docker, source: AptSource, report: Report): Promise<void> {
  report(`making the image ${debianImage}`)
  await installPackages(['debootstrap'], report)
  const folder = await mkdtemp(join(tmpdir(), 'cortex-debian-'))
  try {
    const root = join(folder, 'root')
    const include = `--include=${PACKAGES.join(',')}`
    await promisify(execFile)('debootstrap', ['--variant=minbase', include, source.codename, root, source.site], {
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
    })
    const without = ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/man', 'usr/share/locale']
    const excludes = without.map((path) => `--exclude=./${path}/*`)
    const tar = spawn('tar', ['-C', root, '--numeric-owner', ...excludes, '-c', '.'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await importRoot(docker, debianImage, tar.stdout)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface AptSource {
  site: string
  codename: string
}

/** Where apt has this system's own packages from. */
async function aptSource(): Promise<AptSource | null> {
  const format = '$(SITE) $(CODENAME) $(COMPONENT)'
  try {
    const { stdout } = await promisify(execFile)('apt-get', ['indextargets', '--format', format])
    const lines = stdout.split('\n').map((line) => line.split(' '))
    // Not the updates beside it: those have a longer name.
    const main = lines.find(([, codename = '', component]) => component === 'main' && /^[a-z]+$/.test(codename))
    const [site, codename] = main ?? []
    return site === undefined || codename === undefined ? null : { site, codename }
  } catch {
    return null // no apt
  }
}
