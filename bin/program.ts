import { readFile } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import { Command } from 'commander'
import { addCommands } from './commands.ts'
import { addCompletion } from './completion.ts'
import { configCommand } from './config.ts'
import { withSettings } from './settings.ts'

/** Commands that need all the others. */
const NEED_ALL = ['complete', 'completion']

/** The program, as far as these words need it: what they do not name is not loaded. */
export async function createProgram(words: string[]): Promise<Command> {
  const [first = '', second = ''] = words
  const named = first === 'help' ? second : first
  const whole = NEED_ALL.includes(named)
  const program = await bare(whole ? '*' : named)
  program.addCommand(configCommand(async () => await bare('*')))
  if (whole) await addCompletion(program)
  else program.command('completion <shell>').description('completion for bash, zsh, fish or powershell')
  return program
}

async function bare(wanted: string): Promise<Command> {
  const { version } = JSON.parse(await readFile(findPackageJSON(import.meta.url) ?? 'package.json', 'utf8'))
  const program = new Command('cortex')
    .description('Run containers on machines that are not yours, or rent out one that is.')
    .version(version)
    .showHelpAfterError('(--help shows how)')
    .enablePositionalOptions()
    .addHelpText('after', "\nExample:\n  $ cortex run busybox -- sh -c 'echo hello'")
  await addCommands(program, wanted)
  withSettings(program)
  return program
}
