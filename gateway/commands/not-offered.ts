import { Command } from 'commander'
import { CliError } from '../../node/commands/cli-error.ts'
import { asking, withConnection } from './connection.ts'

/** `cortex job exec · forward · output`: what reaches into a container, which gateways do not offer yet. */
export function notOfferedCommands(): Command[] {
  const exec = new Command('exec').argument('<id>', 'which').argument('[command...]', 'what to run, after --')
  const forward = new Command('forward').argument('<id>', 'which').argument('<local:port>', 'e.g. 8080:80')
  const output = new Command('output').argument('<id>', 'which').option('-o, --output <folder>', 'where to')
  return [
    notOffered(exec, 'run a command in a running job', 'exec job_01k8m3q7w9x2 -- ps'),
    notOffered(forward, 'reach a port of a running job from here', 'forward job_01k8m3q7w9x2 8080:80'),
    notOffered(output, 'fetch what a job kept', 'output job_01k8m3q7w9x2 -o results'),
  ]
}

function notOffered(command: Command, description: string, example: string): Command {
  command.description(`${description} (gateways do not offer it yet)`)
  return withConnection(command)
    .addHelpText('after', `\nExample:\n  $ cortex job ${example}`)
    .action(
      asking(async (client, id: string) => {
        await client.jobs.get(id) // a wrong id is told first
        throw new CliError(
          `'job ${command.name()}' is not offered yet by any provider: follow the job with 'job logs -f'`,
        )
      }),
    )
}
