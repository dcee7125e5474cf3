import { Command } from 'commander'
import { CliError } from '../../node/commands/cli-error.ts'
import { dataOption, repeated } from '../../node/commands/options.ts'
import { type ConnectionOptions, throughGateway, withConnection } from './connection.ts'
import type { SshFlags } from './ssh/run-ssh.ts'

interface SshOptions extends ConnectionOptions, SshFlags {
  stdio?: true
  data: string
}

/** `cortex ssh`: a job as a host of OpenSSH's. */
export function sshCommand(): Command {
  const command = new Command('ssh')
    .description('a shell, or a command, in a running job by OpenSSH’s client; exits as that does')
    .argument('<id>', 'which job')
    .argument('[command...]', 'what to run instead of a shell, after --: its words in one line, as ssh takes them')
    .option('-t, --tty', 'give the command a terminal; a shell has one')
    .option(
      '-L, --local-forward <rule>',
      'reach a port of the job here, as ssh writes it: 8080:localhost:80; repeat it',
      repeated,
    )
    .option('-D, --dynamic-forward <port>', 'a SOCKS proxy here that connects from within the job; repeat it', repeated)
    .option('-N, --forward-only', 'no shell: only what is forwarded, until Ctrl-C')
    .option('--stdio', 'be the way there for a program that speaks SSH: ProxyCommand cortex ssh --stdio %n')
  return withConnection(command.addOption(dataOption()))
    .addHelpText(
      'after',
      `
The image needs a shell, and no SSH server. A job of a 'cortex run' on this machine is found as well, without a gateway. 'cortex ssh-config' makes plain ssh, rsync, git and editors find jobs.

Examples:
  $ cortex ssh job_01k8m3q7w9x2
  $ cortex ssh job_01k8m3q7w9x2 -- nvidia-smi
  $ cortex ssh -N -L 8888:localhost:8888 job_01k8m3q7w9x2`,
    )
    .action(async (text: string, words: string[], options: SshOptions) => {
      const name = text.replace(/\.cortex$/, '')
      if (options.stdio === true && words.length > 0) throw new CliError('--stdio takes a job alone')
      const { openLocalJob } = await import('../../node/commands/ssh-socket.ts')
      const local = await openLocalJob(options, name)
      if (local !== null) {
        const { joinStdio } = await import('./ssh/stdio.ts')
        if (options.stdio === true) await joinStdio(local)
        else {
          local.destroy()
          const { runSsh } = await import('./ssh/run-ssh.ts')
          process.exitCode = await runSsh(name, words, options, options)
          return
        }
        process.exit()
      }
      await throughGateway(options, async (client) => {
        const { wholeJobId } = await import('./job-id.ts')
        const id = await wholeJobId(client, name)
        if (options.stdio === true) {
          const { serveStdio } = await import('./ssh/stdio.ts')
          await serveStdio(client, id)
          // What waits on the standard input would keep the process.
          process.exit()
        }
        const { runSsh } = await import('./ssh/run-ssh.ts')
        process.exitCode = await runSsh(id, words, options, options)
      })
    })
}
