import { Command } from 'commander'
import { dataOption } from '../../node/commands/options.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'

/** Running jobs that are named, so that editors list them. */
const MAX_NAMED = 100

/** `cortex ssh-config`: jobs as hosts of plain `ssh`. */
export function sshConfigCommand(): Command {
  const command = new Command('ssh-config')
    .description('print what makes plain ssh, rsync, git and editors find jobs, as JOB.cortex')
    .option('--write', 'keep it in a file of its own, and have ~/.ssh/config include that')
  return withConnection(command.addOption(dataOption()))
    .addHelpText(
      'after',
      `
Jobs are reached by this program and its key ('cortex login'), through the gateway's own API. Those that run now are named,
for editors that list hosts; every other is found by its id as well.

Examples:
  $ cortex ssh-config --write
  $ ssh job_01k8m3q7w9x2v5n4c6b8d0f1g3.cortex`,
    )
    .action(
      asking(async (client, options: ConnectionOptions & { write?: true; data: string }) => {
        const [{ hostEntry, writeConfig }, { print, printJson, say }] = await Promise.all([
          import('./ssh/config-file.ts'),
          import('../../node/commands/print.ts'),
        ])
        const { items } = await client.jobs.list({ status: 'running', limit: MAX_NAMED })
        // What answers there need not be a gateway, and this is read as a configuration.
        const ids = items.map(({ id }) => String(id)).filter((id) => /^job_[0-9a-z]{12,40}$/.test(id))
        const entry = await hostEntry(options, ids)
        if (options.write !== true) {
          if (options.json === true) printJson({ config: entry })
          else print(...entry.trimEnd().split('\n'))
          return
        }
        const { own, users, isAdded } = await writeConfig(entry)
        if (options.json === true) printJson({ file: own, includedBy: users })
        else say(`written to ${own}${isAdded ? `, which ${users} includes now` : ''}`)
      }),
    )
}
