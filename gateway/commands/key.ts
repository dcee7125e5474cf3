import { Command } from 'commander'
import { group } from '../../node/commands/group.ts'
import type { NewKey, RevokedKey } from '../client/index.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'
import { keySshCommand } from './key-ssh.ts'

interface CreateOptions extends ConnectionOptions {
  owner?: string
  permission?: NonNullable<NewKey['permissions']>
  expires?: string
}

/** `cortex key create · list · revoke · ssh`: who may use the gateway. */
export function keyCommand(): Command {
  return group(
    'key',
    'who may use the gateway',
    [create(), list(), revoke(), keySshCommand()],
    ['create CI --permission jobs:*'],
  )
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
        const { print, printJson, say } = await import('../../node/commands/print.ts')
        if (options.json === true) printJson(key)
        else {
          print(key.key)
          say(`${key.id} of ${key.owner}; the key is shown this once`)
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
        showList(items, options, ['KEY', 'NAME', 'OWNER', 'PERMISSIONS', 'MADE', 'BY', 'ENDS'], (one) => [
          one.id,
          one.name,
          one.owner,
          one.permissions.join(' '),
          when(one.createdAt),
          one.madeBy ?? '-',
          when(one.expiresAt),
        ])
      }),
    )
}

function revoke(): Command {
  const command = new Command('revoke')
    .description('end a key, and what it holds open')
    .argument('<id>', 'which')
    .option('--with-made', 'also the keys that it made, and those made; else they go on, and are listed')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex key revoke key_3f6b1a0c9d2e4f58 --with-made')
    .action(
      asking(async (client, id: string, options: ConnectionOptions & { withMade?: true }) => {
        const revoked = await client.keys.revoke(id, { withMade: options.withMade === true })
        const { printJson, say } = await import('../../node/commands/print.ts')
        if (options.json === true) printJson(revoked)
        else for (const line of keysLeftLines(revoked)) say(line)
      }),
    )
}

function keysLeftLines({ keysLeft }: RevokedKey): string[] {
  if (keysLeft.length === 0) return []
  const those = keysLeft.map((one) => `  ${one.id}  ${one.name}`)
  return ['keys that it made go on; `cortex key revoke` ends each:', ...those]
}
