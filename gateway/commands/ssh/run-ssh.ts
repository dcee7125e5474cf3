import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { CliError } from '../../../node/commands/cli-error.ts'
import { type SshPlace, sshSettings } from './options.ts'

/** What of `ssh` may be asked for. */
export interface SshFlags {
  tty?: true
  localForward?: string[]
  dynamicForward?: string[]
  forwardOnly?: true
}

/** Runs OpenSSH's client with this program as its way to the job; answers what it exits with. @throws {CliError} */
export async function runSsh(
  id: string,
  words: string[],
  flags: SshFlags,
  connection: SshPlace & { key?: string },
): Promise<number> {
  const { tty, localForward = [], dynamicForward = [], forwardOnly } = flags
  const settings = (await sshSettings(connection)).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const asked = [
    ...(tty === true ? ['-t'] : []),
    ...localForward.flatMap((rule) => ['-L', rule]),
    ...dynamicForward.flatMap((rule) => ['-D', rule]),
    ...(forwardOnly === true ? ['-N'] : []),
  ]
  // On the command line everybody on this machine would read the key.
  const env = { ...process.env, ...(connection.key === undefined ? {} : { CORTEX_KEY: connection.key }) }
  const child = spawn('ssh', [...settings, '-l', 'cortex', ...asked, '--', id, ...words], { stdio: 'inherit', env })
  // Keys of the terminal are for the command there; this one ends when `ssh` does.
  const ignore = (): void => undefined
  process.on('SIGINT', ignore)
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', (cause: NodeJS.ErrnoException) => {
        const text =
          cause.code === 'ENOENT'
            ? "ssh is not installed: install OpenSSH's client, or use 'cortex job exec -it'"
            : `ssh did not start: ${cause.message}`
        reject(new CliError(text, 1, { cause }))
      })
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
    })
  } finally {
    process.off('SIGINT', ignore)
  }
}
