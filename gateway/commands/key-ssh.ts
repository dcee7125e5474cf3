import { Command } from 'commander'
import { CliError } from '../../node/commands/cli-error.ts'
import { group } from '../../node/commands/group.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'

/** The largest file that is read as a public key, in bytes. */
const MAX_FILE_BYTES = 16 * 1024

/** `cortex key ssh add · list · remove`: keys for `ssh JOB@gateway`. */
export function keySshCommand(): Command {
  return group(
    'ssh',
    'public keys by which jobs are reached over SSH',
    [add(), list(), remove()],
    ['add ~/.ssh/id_ed25519.pub'],
  )
}

function add(): Command {
  const command = new Command('add')
    .description('let whoever has the private half of a key into your jobs by ssh, as long as your API key holds')
    .argument('<file>', 'the public key, such as ~/.ssh/id_ed25519.pub; - for the standard input')
    .option('--name <name>', 'what people call it; default what stands behind the key')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex key ssh add ~/.ssh/id_ed25519.pub')
    .action(
      asking(async (client, file: string, options: ConnectionOptions & { name?: string }) => {
        const { name } = options
        const key = await client.sshKeys.add({ publicKey: await lineOf(file), ...(name === undefined ? {} : { name }) })
        const { print, printJson } = await import('../../node/commands/print.ts')
        if (options.json === true) printJson(key)
        else print(`${key.id}  ${key.fingerprint}  ${key.name}`)
      }),
    )
}

/** @throws {CliError} */
async function lineOf(file: string): Promise<string> {
  const { open } = await import('node:fs/promises')
  const source = await open(file === '-' ? '/dev/stdin' : file).catch((cause: NodeJS.ErrnoException) => {
    throw new CliError(`${file} cannot be read (${cause.code}): give a file such as ~/.ssh/id_ed25519.pub`, 1, {
      cause,
    })
  })
  try {
    const { bytesRead, buffer } = await source.read(Buffer.alloc(MAX_FILE_BYTES), 0, MAX_FILE_BYTES)
    const text = buffer.toString('utf8', 0, bytesRead).trim()
    if (text.includes('PRIVATE KEY')) throw new CliError(`${file} is a private key: give the one that ends in .pub`)
    if (text === '' || text.includes('\n')) throw new CliError(`${file} has to hold one line, that of a public key`)
    return text
  } finally {
    await source.close()
  }
}

function list(): Command {
  return withConnection(new Command('list').description('public keys that open jobs'))
    .addHelpText('after', '\nExample:\n  $ cortex key ssh list')
    .action(
      asking(async (client, options: ConnectionOptions) => {
        const { showList, when } = await import('./show.ts')
        const { items } = await client.sshKeys.list({ limit: 100 })
        showList(items, options, ['KEY', 'NAME', 'OWNER', 'FINGERPRINT', 'BY', 'OPENS', 'ADDED'], (one) => [
          ...[one.id, one.name, one.owner, one.fingerprint, one.keyId],
          one.active ? 'jobs' : 'nothing',
          when(one.createdAt),
        ])
      }),
    )
}

function remove(): Command {
  const command = new Command('remove')
    .description('let nobody in by a key any more; connections that it opened end')
    .argument('<id>', 'which')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex key ssh remove sshkey_01k8m3q7w9x2v5n4c6b8d0f1g3')
    .action(
      asking(async (client, id: string) => {
        await client.sshKeys.remove(id)
      }),
    )
}
