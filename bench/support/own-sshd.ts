import { execFile, spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { canInstall, findProgram, installPackages } from '../../scripts/apt.ts'
import { freePort } from '../../scripts/free-port.ts'

const run = promisify(execFile)

/** An SSH server of this program's own on loopback, and the client's `scp`. */
export interface OwnSshd extends AsyncDisposable {
  /** Copies a file there. @param to a path on this machine */
  send(from: string, to: string): Promise<void>
  /** Copies a file back. */
  fetch(from: string, to: string): Promise<void>
}

/**
 * Starts it with keys and settings that it makes in a folder, and none of the machine's.
 * @throws where it is not installed, and may not be
 */
export async function startOwnSshd(folder: string): Promise<OwnSshd> {
  const [sshd, scp] = await installed()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const at = (name: string): string => join(folder, name)
  for (const name of ['host', 'user']) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)])
  await writeFile(at('authorized_keys'), await readFile(at('user.pub')), { mode: 0o600 })
  const port = await freePort()
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${at('host')}`,
    `AuthorizedKeysFile ${at('authorized_keys')}`,
    `PidFile none`,
    ...['UsePAM no', 'PasswordAuthentication no', 'PermitRootLogin prohibit-password', 'StrictModes no'],
    'Subsystem sftp internal-sftp',
  ]
  await writeFile(at('sshd_config'), `${settings.join('\n')}\n`)
  // Where it separates privileges, which the package's service makes at its start.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  const server = spawn(sshd, ['-D', '-e', '-f', at('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  while (!said.includes('Server listening')) {
    if (server.exitCode !== null) throw new Error(`sshd ended by itself:\n${said}`)
    await delay(50)
  }
  const flags = ['-q', '-F', 'none', '-P', String(port), '-i', at('user'), '-o', 'BatchMode=yes']
  const anyHost = ['-o', 'StrictHostKeyChecking=no', '-o', `UserKnownHostsFile=${at('known_hosts')}`]
  const place = (path: string): string => `${userInfo().username}@127.0.0.1:${path}`
  return {
    send: async (from, to) => void (await run(scp, [...flags, ...anyHost, from, place(to)])),
    fetch: async (from, to) => void (await run(scp, [...flags, ...anyHost, place(from), to])),
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      if (server.kill()) await ended
    },
  }
}

async function installed(): Promise<[sshd: string, scp: string]> {
  for (const isTried of [false, true]) {
    const [sshd, scp] = [await findProgram('sshd'), await findProgram('scp')]
    if (sshd !== null && scp !== null) return [sshd, scp]
    if (isTried || !(await canInstall())) break
    await installPackages(['openssh-server', 'openssh-client'], (line) => process.stderr.write(`${line}\n`))
  }
  throw new Error('There is no sshd or scp: install openssh-server and openssh-client')
}
