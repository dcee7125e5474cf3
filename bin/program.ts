import { readFile } from 'node:fs/promises'
import { findPackageJSON } from 'node:module'
import { Command } from 'commander'
import { addCommands, pathOf } from './commands.ts'
import { addCompletion } from './completion.ts'
import { configCommand } from './config.ts'
import { doctorCommand } from './doctor.ts'
import { withSettings } from './settings.ts'

/** Commands that need all the others. */
const NEED_ALL = ['complete', 'completion']

/**
 * The program, as far as these words need it: what they do not name is not loaded.
 *
 * @param passesOn called before a command is parsed whose exit code is a container's
 */
export async function createProgram(words: string[], passesOn: () => void = () => undefined): Promise<Command> {
  const [first = '', second = ''] = words
  const named = first === 'help' ? second : first
  const whole = NEED_ALL.includes(named)
  const program = await bare(whole ? '*' : named, passesOn)
  program.addCommand(configCommand(async () => await bare('*', () => undefined)))
  program.addCommand(doctorCommand(async (name) => await bare(name, () => undefined)))
  if (whole) await addCompletion(program)
  else program.command('completion <shell>').description('completion for bash, zsh, fish or powershell')
  return program
}

async function bare(wanted: string, passesOn: () => void): Promise<Command> {
  const { version } = JSON.parse(await readFile(findPackageJSON(import.meta.url) ?? 'package.json', 'utf8'))
  const program = new Command('cortex')
    .description('Run containers on machines that are not yours, or rent out one that is.')
    .version(version)
    .enablePositionalOptions()
    .addHelpText('after', "\nExample:\n  $ cortex run busybox -- sh -c 'echo hello'")
  await addCommands(program, wanted)
  withSettings(program)
  endInMain(program, passesOn)
  return program
}

/** Where a container's command is among the words, its own flags are the likeliest mistake. */
function helpAfterError(command: Command): string {
  const takesCommand = command.registeredArguments.some((one) => one.variadic && one.name() === 'command')
  return takesCommand ? "(flags of the container's command go after --; --help shows how)" : '(--help shows how)'
}

/** Commands whose exit code is a container's: what goes wrong before there is one has to look otherwise. */
const PASS_ON = ['run', 'job exec', 'job wait']

/** Errors of usage, and help, come back to `main.ts` in place of an exit that forgets what is still to be written. */
function endInMain(command: Command, passesOn: () => void): void {
  command.exitOverride().showHelpAfterError(helpAfterError(command))
  command.hook('preSubcommand', (_command, wanted) => {
    if (PASS_ON.includes(pathOf(wanted))) passesOn()
  })
  // As other programs call it that list things.
  if (command.name() === 'list') command.alias('ls')
  for (const part of command.commands) endInMain(part, passesOn)
}
