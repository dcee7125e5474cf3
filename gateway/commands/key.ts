import { Command } from 'commander'
import type { NewKey } from '../client/index.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'

interface CreateOptions extends ConnectionOptions {
  owner?: string
  permission?: NonNullable<NewKey['permissions']>
  expires?: string
}

/** `cortex key create · list · revoke`: who may use the gateway. */
export function keyCommand(): Command {
  const key = new Command('key').description('who may use the gateway')
  for (const command of [create(), list(), revoke()]) key.addCommand(command)
  return key
}

function create(): Command {
  const command = new Command('create')
    .description('make a key; it is printed once')
    .argument('<name>', 'what people read')
    .option('--owner <name>', 'whose objects it sees; admins choose')
    .option('--permission <permission...>', 'e.g. jobs:read templates:*')
    .option('--expires <time>', 'when it ends, e.g. 2027-01-31')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex key create CI --owner research --permission jobs:* providers:read')
    .action(
      asking(async (client, name: string, options: CreateOptions) => {
        const { owner, permission: permissions, expires: expiresAt } = options
        const key = await client.keys.create({
          name,
          ...(owner === undefined ? {} : { owner }),
          ...(permissions === undefined ? {} : { permissions }),
          ...(expiresAt === undefined ? {} : { expiresAt }),
        })
        const { printJson } = await import('../../node/commands/output.ts')
        if (options.json === true) printJson(key)
        else {
          process.stdout.write(`${key.key}\n`)
          process.stderr.write(`${key.id} of ${key.owner}; the key is shown this once\n`)
        }
      }),
    )
}

function list(): Command {
  return withConnection(new Command('list').description('keys'))
    .addHelpText('after', '\nExample:\n  $ cortex key list')
    .action(
      asking(async (client, options: ConnectionOptions) => {
        const { showList, when } = await import('./show.ts')
        const { items } = await client.keys.list({ limit: 100 })
        showList(items, options, ['KEY', 'NAME', 'OWNER', 'PERMISSIONS', 'MADE', 'ENDS'], (one) => [
          one.id,
          one.name,
          one.owner,
          one.permissions.join(' '),
          when(one.createdAt),
          when(one.expiresAt),
        ])
      }),
    )
}

function revoke(): Command {
  return withConnection(new Command('revoke').description('end a key').argument('<id>', 'which'))
    .addHelpText('after', '\nExample:\n  $ cortex key revoke key_3f6b1a0c9d2e4f58')
    .action(asking(async (client, id: string) => await client.keys.revoke(id)))
}
