import { Command } from 'commander'
import { dataOption } from '../../node/commands/options.ts'
import type { RepairOptions, UpkeepOptions } from './run-upkeep.ts'

/** `check`, `repair` and `compact` of `cortex gateway`: of one that does not run. */
export function upkeepCommands(): Command[] {
  return [
    new Command('check')
      .description(
        'read all that a stopped gateway keeps, and say what is wrong; exits with 1 on a failure, with 2 on warnings alone',
      )
      .addOption(dataOption())
      .option('--json', 'as JSON')
      .addHelpText('after', '\nExample:\n  $ cortex gateway check --data /srv/cortex')
      .action(async (options: UpkeepOptions) => await (await import('./run-upkeep.ts')).check(options)),
    new Command('repair')
      .description('mend what `check` finds, and only that; what is taken away is set aside, not deleted')
      .addOption(dataOption())
      .option('--dry-run', 'say what would be done, and change nothing')
      .option('--no-backup', 'do not copy what is there before anything is changed')
      .option('--json', 'as JSON')
      .addHelpText('after', REPAIR_HELP)
      .action(async (options: RepairOptions) => await (await import('./run-upkeep.ts')).repair(options)),
    new Command('compact')
      .description('give back the room of what was deleted, at once; a running gateway does it by and by')
      .addOption(dataOption())
      .option('--json', 'as JSON')
      .addHelpText('after', '\nExample:\n  $ cortex gateway compact --data /srv/cortex')
      .action(async (options: UpkeepOptions) => await (await import('./run-upkeep.ts')).compact(options)),
  ]
}

const REPAIR_HELP = `
Keys and records as they were before are copied beside the folder first: to gateway.before-repair-TIME.tar, which
'cortex gateway restore --replace' puts back, or where the files themselves are damaged, or identity.key is missing, the
databases to a folder gateway.before-repair-TIME. Outputs and uploads are not in it; a restore moves those that are there
aside with the folder. What is taken away lies in gateway.set-aside-TIME. Both hold keys and secrets as the folder does:
remove them when all is well.

Example:
  $ cortex gateway repair --dry-run --data /srv/cortex`
