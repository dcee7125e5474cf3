import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { canInstall, findProgram, installPackages } from '../../../../scripts/apt.ts'

/** What OpenSSH's client is told in tests: nothing of this machine's user is read, and nobody is asked. */
export const QUIET = [
  ...['-F', 'none', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR'],
  ...['-o', 'BatchMode=yes', '-o', 'IdentitiesOnly=yes', '-o', 'IdentityAgent=none'],
]

/** Whether the programs of OpenSSH's client are here; they are installed where that may be done. */
export async function hasSsh(): Promise<boolean> {
  if ((await findProgram('ssh')) === null && (await canInstall())) {
    await installPackages(['openssh-client'], () => undefined)
  }
  return (await findProgram('ssh')) !== null
}

/** What a program wrote, and how it ended. */
export interface Ran {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a program to its end. */
export async function ran(
  program: string,
  args: string[],
  input: string | Buffer = '',
  env = process.env,
): Promise<Ran> {
  const child = spawn(program, args, { stdio: 'pipe', env })
  child.stdin.on('error', () => undefined) // it ends before it has taken all
  child.stdin.end(input)
  const stdout = buffer(child.stdout)
  const stderr = buffer(child.stderr)
  const [code] = await once(child, 'close')
  return { code, stdout: String(await stdout), stderr: String(await stderr) }
}
