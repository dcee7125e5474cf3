import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'

/** Takes one line of progress for people, without its newline. */
export type Report = (line: string) => void

/** Whether this process may install Debian packages: root, on a system with `apt-get`. */
export async function canInstall(): Promise<boolean> {
  return process.getuid?.() === 0 && (await findProgram('apt-get')) !== null
}

/** The full path of a program, looked up in PATH and in the system folders that an ordinary user's PATH may lack. */
export async function findProgram(name: string): Promise<string | null> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin']
  for (const folder of folders) {
    const path = join(folder, name)
    try {
      await access(path, constants.X_OK)
      return path
    } catch {
      // Not in this folder: the next one may have it.
    }
  }
  return null
}

/** Installs Debian packages, nothing recommended along with them. Fetches the package lists only when it fails without. */
export async function installPackages(packages: string[], report: Report): Promise<void> {
  report(`installing ${packages.join(', ')} with apt-get`)
  const install = ['install', '-y', '--no-install-recommends', ...packages]
  if ((await aptGet(install, report)) === 0) return
  report('fetching the package lists with apt-get update')
  await aptGet(['update'], report)
  if ((await aptGet(install, report)) === 0) return
  throw new Error(
    `apt-get could not install ${packages.join(' ')}: run \`apt-get install ${packages.join(' ')}\` to see why`,
  )
}

/** Runs apt-get, reporting what it does at most every two seconds. Answers its exit code. */
function aptGet(args: string[], report: Report): Promise<number | null> {
  const child = spawn('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let reportedAt = performance.now()
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!/^(Get:|Unpacking|Setting up)/.test(line) || performance.now() - reportedAt < 2_000) return
    reportedAt = performance.now()
    report(`  ${line.trim()}`)
  })
  return new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
}
