/**
 * Completes package-lock.json after a dependency was added: `node scripts/lockfile.ts`.
 *
 * Tools with native parts list one optional package per platform, all at the same version. npm leaves those out of the
 * lock file that the registry at hand does not carry, and then `npm ci` refuses the lock file everywhere, this platform
 * included. This adds what was left out: the exact version that its parent asks for and, read from its name, the
 * platforms it is for. Such an entry carries no checksum; npm adds it where it first installs one.
 */
import { readFile, writeFile } from 'node:fs/promises'

const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const processors: Record<string, string> = {
  aarch64: 'arm64',
  arm: 'arm',
  arm64: 'arm64',
  armv7: 'arm',
  ia32: 'ia32',
  loong64: 'loong64',
  mips64el: 'mips64el',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
  x64: 'x64',
}
const exactVersion = /^\d+\.\d+\.\d+$/

interface LockEntry {
  version?: string
  dev?: boolean
  optional?: boolean
  os?: string[]
  cpu?: string[]
  optionalDependencies?: Record<string, string>
}

/** The entries that `packages` of a lock file lacks, by their path under it. */
export function missingPlatformPackages(packages: Record<string, LockEntry>): Record<string, LockEntry> {
  const missing: Record<string, LockEntry> = {}
  for (const [parentPath, parent] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const path = `node_modules/${name}`
      if (packages[path] || packages[`${parentPath}/${path}`] || !exactVersion.test(version)) continue
      const words = name.split(/[/-]/)
      const os = words.filter((word) => systems.includes(word))
      const cpu = words.flatMap((word) => processors[word] ?? [])
      if (os.length !== 1 || cpu.length !== 1) continue
      missing[path] = { version, cpu, ...(parent.dev ? { dev: true } : {}), optional: true, os }
    }
  }
  return missing
}

if (import.meta.main) {
  const file = new URL('../package-lock.json', import.meta.url)
  const lock = JSON.parse(await readFile(file, 'utf8')) as { packages: Record<string, LockEntry> }
  const missing = missingPlatformPackages(lock.packages)
  const root = lock.packages['']
  const sorted = Object.entries({ ...lock.packages, ...missing })
    .filter(([path]) => path !== '')
    .sort(([a], [b]) => a.localeCompare(b, 'en'))
  lock.packages = { ...(root ? { '': root } : {}), ...Object.fromEntries(sorted) }
  await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`package-lock.json: ${Object.keys(missing).length} platform packages added`)
}
