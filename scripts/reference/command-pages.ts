import type { Argument, Command, Option } from 'commander'
import { leavesOf, pathOf } from '../../bin/commands.ts'
import { defaultOf } from '../../bin/config.ts'
import { code, fence, pageOf, type ReferencePage, table } from './markdown.ts'

const SOURCE = 'the program’s own help'
/** Of every command, and said once. */
const EVERYWHERE = ['config', 'help']

/** A page for each command, and one that lists them. */
export function commandPages(program: Command): ReferencePage[] {
  const commands = program.commands.filter((command) => !['help', 'complete'].includes(command.name()))
  return [indexPage(program, commands), ...commands.map(commandPage)]
}

function indexPage(program: Command, commands: Command[]): ReferencePage {
  const rows = commands.map((command) => [
    `[\`cortex ${command.name()}\`](${command.name()}.md)`,
    command.description(),
    partsOf(command).join(', '),
  ])
  return pageOf('reference/cli/README.md', 'Commands', SOURCE, [
    program.description(),
    table(['command', 'what it does', 'its parts'], rows),
    'Every command has `--help`, and `--config FILE` ([configuration](../configuration.md)). A flag outweighs a variable, that the file, and that the default. `cortex --version` prints the version. The exit code is 0 where it was done and 1 where it was not, and the last line says why; `cortex run`, `job exec` and `job wait` end with the container’s own, and with 125 where there is none.',
  ])
}

function partsOf(command: Command): string[] {
  return command.commands.filter((part) => part.name() !== 'help').map((part) => code(part.name()))
}

function commandPage(command: Command): ReferencePage {
  const path = `reference/cli/${command.name()}.md`
  const leaves = leavesOf(command)
  const own = leaves.filter((leaf) => leaf === command)
  const parts = leaves.filter((leaf) => leaf !== command)
  return pageOf(path, `cortex ${command.name()}`, SOURCE, [
    sentence(command.description()),
    ...own.flatMap(bodyOf),
    ...parts.flatMap((leaf) => [`## cortex ${pathOf(leaf)}`, sentence(leaf.description()), ...bodyOf(leaf)]),
  ])
}

function bodyOf(command: Command): string[] {
  const { registeredArguments } = command
  const options = command.options.filter((option) => !option.hidden && !EVERYWHERE.includes(option.attributeName()))
  const examples = examplesOf(command)
  const aliases = command.aliases()
  return [
    fence('text', `cortex ${pathOf(command)} ${command.usage()}`),
    ...(aliases.length === 0 ? [] : [`Also called ${aliases.map(code).join(', ')}.`]),
    ...(registeredArguments.length === 0 ? [] : [table(['argument', 'meaning'], registeredArguments.map(argumentRow))]),
    ...(options.length === 0 ? [] : [table(['flag', 'default', 'variable', 'meaning'], options.map(optionRow))]),
    ...(examples === '' ? [] : [fence('sh', examples)]),
  ]
}

function argumentRow(argument: Argument): string[] {
  const name = argument.variadic ? `${argument.name()}…` : argument.name()
  return [code(argument.required ? name : `[${name}]`), argument.description + valuesOf(argument)]
}

function optionRow(option: Option): string[] {
  return [
    code(option.flags),
    defaultText(option),
    option.envVar === undefined ? '' : code(option.envVar),
    meaning(option),
  ]
}

/** As the help says it. */
export function defaultText(option: Option): string {
  if (option.defaultValueDescription !== undefined) return option.defaultValueDescription
  if (option.attributeName() === 'data') return 'the user’s data folder, `~/.local/share/cortex-node` on Linux'
  const value = defaultOf(option)
  if (value === undefined || value === false || (option.negate && value === true)) return ''
  if (typeof value === 'bigint') return String(value)
  return Array.isArray(value) ? value.map((one) => code(String(one))).join(', ') : code(String(value))
}

/** Without the default, which has a column. */
export function meaning(option: Option): string {
  return option.description.replace(/ \((?:default: )?[^()]+\)$/, '') + valuesOf(option)
}

function valuesOf({ argChoices }: Pick<Option | Argument, 'argChoices'>): string {
  return argChoices === undefined ? '' : `: ${argChoices.map(code).join(', ')}`
}

/** What stands behind `Example:` in the help. */
function examplesOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (words) => (text += words) })
  command.outputHelp()
  const [, examples = ''] = text.split(/\nExamples?:\n/)
  return examples
    .split('\n')
    .map((line) => line.replace(/^ {2}(?:\$ )?/, ''))
    .join('\n')
    .trim()
}

function sentence(text: string): string {
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
