import { text } from 'node:stream/consumers'
import { Command } from 'commander'
import { askHidden } from '../../node/commands/ask-hidden.ts'
import { CliError } from '../../node/commands/cli-error.ts'
import { printJsonLine, say } from '../../node/commands/print.ts'
import { type ConnectionOptions, throughGateway, withConnection } from './connection.ts'
import { removeLogin, writeLogin } from './login-file.ts'

/** `cortex login`: keeps a gateway's address and a key for it. */
export function loginCommand(): Command {
  const command = new Command('login')
    .description('keep a gateway’s address and key for the commands that ask one')
    .option('--forget', 'remove what is kept')
  const example = `
Examples:
  $ cortex login --gateway https://gateway.example     (asks for the key)
  $ cortex login < DATA/gateway/admin.key`
  return withConnection(command)
    .addHelpText('after', example)
    .action(async (options: ConnectionOptions & { forget?: true }, self: Command) => {
      if (options.forget === true) {
        await removeLogin()
        return
      }
      const { gateway } = options
      const given = ['cli', 'env', 'config'].includes(self.getOptionValueSource('key') ?? '')
      const key = ((given ? options.key : undefined) ?? (await askForKey(gateway))).trim()
      if (key === '') throw new CliError('There was no key: give it with --key, or type it when asked')
      const user = await throughGateway({ gateway, key }, async (client) => await client.me())
      const path = await writeLogin({ gateway, key })
      if (options.json === true) printJsonLine(user)
      else say(`signed in to ${gateway} as ${user.id}; kept in ${path}`)
    })
}

/** Typed without being shown, or the whole standard input. */
async function askForKey(gateway: string): Promise<string> {
  if (!process.stdin.isTTY) return await text(process.stdin)
  return await askHidden(`Key for ${gateway}: `)
}
