import { defaultDataFolder } from '../../../node/commands/options.ts'
import { HOST_ALIAS, writeKnownHosts } from '../../../node/commands/own-ssh-host.ts'
import { DEFAULT_GATEWAY } from '../../contract/address.ts'

/** What names of jobs end in for `ssh`, beside their ids alone. */
export const HOST_SUFFIX = '.cortex'

/** What OpenSSH puts the name for that it was given, as a word of the user's shell. */
const HOST_NAME = process.platform === 'win32' ? '%n' : "'%n'"

/** Where jobs are looked for. */
export interface SshPlace {
  /** Its URL. */
  gateway: string
  /** The folder in which client commands that run have theirs. */
  data: string
}

/** Settings of OpenSSH's client by which it reaches a job: `ProxyCommand` is this program, and nothing is asked. */
export async function sshSettings({ gateway, data }: SshPlace): Promise<[name: string, value: string][]> {
  const known = await writeKnownHosts()
  const own = [process.execPath, ...(process.argv[1] === undefined ? [] : [process.argv[1]])]
  const where = [
    ...(gateway === DEFAULT_GATEWAY ? [] : ['--gateway', gateway]),
    ...(data === defaultDataFolder() ? [] : ['--data', data]),
  ]
  return [
    ['ProxyCommand', `${[...own, 'ssh', '--stdio', ...where].map(quoted).join(' ')} ${HOST_NAME}`],
    ['HostKeyAlias', HOST_ALIAS],
    ['UserKnownHostsFile', `"${known}"`],
    ['StrictHostKeyChecking', 'yes'],
    // The server is in the command, which has the key of the API: there is nobody to sign in to.
    ['PubkeyAuthentication', 'no'],
  ]
}

/** A word as the user's shell takes it, which runs the command; `%` is OpenSSH's own. */
function quoted(word: string): string {
  const text = word.replaceAll('%', '%%')
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text)) return text
  return process.platform === 'win32' ? `"${text}"` : `'${text.replaceAll("'", "'\\''")}'`
}
