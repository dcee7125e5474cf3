import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { canInstall, findProgram, type Report } from './apt.ts'
import { lockFile } from './file-lock.ts'

/** Programs of another release of Debian than this machine's. */
export interface OtherPackages {
  /** Release that they are of, e.g. `trixie`. */
  suite: string
  /** Alone: what they depend on must be here. */
  packages: string[]
  /** Where they are kept between runs, for all processes that ask for the same. */
  folder: string
}

const RELEASE_KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg'
const SITE = 'http://deb.debian.org/debian'

/**
 * Unpacks packages beside those of the machine: nothing is installed, and the machine's own lists of packages stay as they
 * are. At once where that was done before. Answers the folder in place of `/`.
 *
 * @throws Error of one line that says what is missing
 */
export async function unpackPackages({ suite, packages, folder }: OtherPackages, report: Report): Promise<string> {
  if (!(await canInstall()) || (await findProgram('dpkg-deb')) === null || (await findProgram('flock')) === null) {
    throw new Error(`needs ${packages.join(' and ')} of Debian ${suite}: that is fetched as root, with apt-get`)
  }
  await mkdir(folder, { recursive: true })
  const lock = await lockFile(join(folder, 'lock'), 'exclusive')
  try {
    const root = join(folder, 'root')
    if ((await readdir(folder)).includes('root')) return root
    report(`fetching ${packages.join(', ')} of Debian ${suite}`)
    const work = await mkdtemp(join(folder, 'fetching-'))
    try {
      await fetchInto(work, suite, packages)
      await rename(join(work, 'root'), root)
    } finally {
      await rm(work, { recursive: true, force: true })
    }
    return root
  } finally {
    await lock.release()
  }
}

async function fetchInto(work: string, suite: string, packages: string[]): Promise<void> {
  const sources = join(work, 'debian.sources')
  const fields = { Types: 'deb', URIs: SITE, Suites: suite, Components: 'main', 'Signed-By': RELEASE_KEYS }
  await writeFile(
    sources,
    Object.entries(fields)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(''),
  )
  for (const part of ['state/lists/partial', 'cache/archives/partial'])
    await mkdir(join(work, part), { recursive: true })
  await writeFile(join(work, 'state', 'status'), '')
  const settings = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': join(work, 'state'),
    'Dir::State::status': join(work, 'state', 'status'),
    'Dir::Cache': join(work, 'cache'),
    'APT::Sandbox::User': 'root',
    'Acquire::http::Timeout': '30',
    'Acquire::Retries': '2',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const run = async (program: string, args: string[]): Promise<void> => {
    try {
      await promisify(execFile)(program, args, { cwd: work, maxBuffer: 16 * 2 ** 20 })
    } catch (cause) {
      const { stderr = '' } = cause as { stderr?: string }
      const why = stderr.trim().split('\n').at(-1)
      throw new Error(`cannot fetch ${packages.join(' and ')} of Debian ${suite}: ${why}`, { cause })
    }
  }
  await run('apt-get', [...options, 'update', '--error-on=any'])
  await run('apt-get', [...options, 'download', ...packages])
  for (const file of await readdir(work)) {
    if (file.endsWith('.deb')) await run('dpkg-deb', ['-x', join(work, file), join(work, 'root')])
  }
}
