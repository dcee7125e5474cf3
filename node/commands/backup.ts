import { Command, Option } from 'commander'
import type { BackupKind } from '../backup/layout.ts'
import type { BackupFileOptions } from './make-backup.ts'
import { dataOption } from './options.ts'

/** What is said of a key, before it is lost. */
const KEYS: Readonly<Record<BackupKind, string>> = {
  gateway: `
The file holds the private key of this gateway and the keys that open its secrets: keep it as you would keep those, or
give --encrypt. A gateway that lost its key is another one to everybody: jobs that run are not taken up again, what it
knows of providers and they of it begins anew, and no receipt names it any more. Nobody can make the key again.
Two gateways with one key are never to run at once: before a restored one starts, end the other for good.`,
  agent: `
The file holds the private key of this agent: keep it as you would keep that, or give --encrypt. An agent that lost its
key is a newcomer to everybody: its record with requesters is gone, its jobs are ended as nobody's, and what they used
and was not signed yet is not paid. Nobody can make the key again.
Two agents with one key are never to run at once: before a restored one starts, end the other for good.`,
}

/** `backup`, `restore` and `verify` of `cortex gateway` and `cortex agent`. */
export function backupCommands(part: BackupKind): Command[] {
  const files = part === 'gateway' ? 'with outputs of jobs and uploads' : 'with outputs that wait for their requesters'
  return [
    new Command('backup')
      .description('write all that ended jobs, logs, receipts and keys need to a file, also while it runs')
      .argument('<file>', 'a new file; nothing is written over')
      .addOption(dataOption())
      .option('--with-files', `${files}, which may be large`)
      .option('--encrypt', 'with a passphrase, which is asked for; readable by age -d')
      .addOption(passphraseOption())
      .option('--json', 'as JSON')
      .addHelpText('after', `${KEYS[part]}\n\nExample:\n  $ cortex ${part} backup ${part}.tar.age --encrypt`)
      .action(async (file: string, options: BackupFileOptions & { withFiles?: true; encrypt?: true }) => {
        await (await import('./make-backup.ts')).makeBackup(part, file, options)
      }),
    new Command('restore')
      .description(
        `put a backup into the data folder of ${part === 'agent' ? 'an agent' : 'a gateway'} that does not run`,
      )
      .argument('<file>', 'of a backup')
      .addOption(dataOption())
      .option('--replace', 'move what is in the folder aside; without it the folder has to be empty')
      .addOption(passphraseOption())
      .option('--json', 'as JSON')
      .addHelpText('after', `${KEYS[part]}\n\nExample:\n  $ cortex ${part} restore ${part}.tar.age --data /srv/cortex`)
      .action(async (file: string, options: BackupFileOptions & { replace?: true }) => {
        await (await import('./make-backup.ts')).restore(part, file, options)
      }),
    new Command('verify')
      .description('whether a backup is whole, and what is in it; changes nothing')
      .argument('<file>', 'of a backup')
      .addOption(passphraseOption())
      .option('--json', 'as JSON')
      .addHelpText('after', `\nExample:\n  $ cortex ${part} verify ${part}.tar.age`)
      .action(async (file: string, options: Omit<BackupFileOptions, 'data'>) => {
        await (await import('./make-backup.ts')).verify(file, options)
      }),
  ]
}

function passphraseOption(): Option {
  return new Option('--passphrase-file <file>', 'its first line is the passphrase, in place of asking').env(
    'CORTEX_BACKUP_PASSPHRASE_FILE',
  )
}
