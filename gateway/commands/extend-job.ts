import { Command } from 'commander'
import { seconds } from '../../node/commands/docker-amounts.ts'
import type { CortexClient } from '../client/index.ts'
import { extensionWords } from '../contract/extension-words.ts'
import { type ConnectionOptions, withConnection } from './connection.ts'
import { aboutJob } from './job-id.ts'

interface ExtendOptions extends ConnectionOptions {
  dryRun?: true
  yes?: true
}

/** `cortex job extend` */
export function extendCommand(): Command {
  const command = new Command('extend')
    .description('give a running job more time; at a terminal it tells the price and the new end first, and asks')
    .argument('<id>', 'which')
    .argument('<seconds>', 'on top of its duration; or e.g. 10m', seconds)
    .option('--dry-run', 'only tell the price and the new end')
    .option('-y, --yes', 'do not ask')
  return withConnection(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ cortex job extend train 10m --dry-run\n  $ cortex job extend job_01k8m3q7w9x2 600',
    )
    .action(
      aboutJob(async (client, id, additional: number, options: ExtendOptions) => {
        const { print, printJson } = await import('../../node/commands/print.ts')
        const isAsked = process.stdin.isTTY && process.stderr.isTTY && options.yes !== true && options.json !== true
        if (options.dryRun === true) {
          const extension = await client.jobs.extension(id, additional)
          if (options.json === true) printJson(extension)
          else print(extensionWords(extension))
          return
        }
        if (isAsked && !(await isAgreed(client, id, additional))) return
        const job = await client.jobs.extend(id, additional)
        if (options.json === true) printJson(job)
        else print(`${id} may run ${job.duration} s`)
      }),
    )
}

async function isAgreed(client: CortexClient, id: string, additional: number): Promise<boolean> {
  const { askYes } = await import('../../node/commands/ask-yes.ts')
  const { say } = await import('../../node/commands/print.ts')
  say(extensionWords(await client.jobs.extension(id, additional)))
  if (await askYes('Extend it?')) return true
  say('It stays as it is.')
  return false
}
