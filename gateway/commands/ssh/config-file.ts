import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { sshFolder } from '../../../node/commands/own-ssh-host.ts'
import { replacePrivateFile } from '../../../node/private-file.ts'
import { HOST_SUFFIX, type SshPlace, sshSettings } from './options.ts'

/** The largest configuration of `ssh` that a line is added to, in bytes. */
const MAX_CONFIG_BYTES = 1024 * 1024

/** The entry of `ssh`'s configuration by which it finds every job; editors list the jobs that are named in it. */
export async function hostEntry(place: SshPlace, jobs: readonly string[]): Promise<string> {
  const names = [...jobs.map((id) => `${id}${HOST_SUFFIX}`), `*${HOST_SUFFIX}`, 'job_*']
  const settings = await sshSettings(place)
  const lines = [['User', 'cortex'], ...settings].map(([name, value]) => `  ${name} ${value}`)
  return [`# Jobs of ${place.gateway}, by cortex ssh-config`, `Host ${names.join(' ')}`, ...lines, ''].join('\n')
}

/**
 * Keeps the entry in a file of its own, and has the user's configuration take that in; answers both paths, and whether
 * the second was changed. What stands there stays.
 */
export async function writeConfig(entry: string): Promise<{ own: string; users: string; isAdded: boolean }> {
  const own = join(sshFolder(), 'config')
  await mkdir(dirname(own), { recursive: true, mode: 0o700 })
  await replacePrivateFile(own, entry)
  const users = join(homedir(), '.ssh', 'config')
  const line = `Include "${own}"`
  const before = await readFile(users, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  if (before.split('\n').includes(line)) return { own, users, isAdded: false }
  if (before.length > MAX_CONFIG_BYTES) throw new Error(`${users} is too large: add this at its beginning: ${line}`)
  await mkdir(dirname(users), { recursive: true, mode: 0o700 })
  // Behind a Host line it would hold for that host alone.
  await replacePrivateFile(users, `${line}\n${before === '' ? '' : `\n${before}`}`)
  return { own, users, isAdded: true }
}
