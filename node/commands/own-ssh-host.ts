import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replacePrivateFile } from '../private-file.ts'
import { type HostKey, loadHostKey } from '../ssh/host-key.ts'
import { userFolders } from './user-folders.ts'

/** The name under which `ssh` knows the server that is in the command itself. */
export const HOST_ALIAS = 'cortex'

/** Where what belongs to it is, in the user's own folder. */
export function sshFolder(): string {
  return join(userFolders().config, 'ssh')
}

/** Of that server: one for each user of a machine. @throws {HostKeyError} */
export async function ownHostKey(): Promise<HostKey> {
  return await loadHostKey(join(sshFolder(), 'host.key'))
}

/** Writes down what `ssh` is to find there; answers where. @throws {HostKeyError} */
export async function writeKnownHosts(): Promise<string> {
  const { publicLine } = await ownHostKey()
  const path = join(sshFolder(), 'known_hosts')
  const text = `${HOST_ALIAS} ${publicLine}\n`
  // Others may read it in this moment.
  if ((await readFile(path, 'utf8').catch(() => '')) !== text) await replacePrivateFile(path, text)
  return path
}
