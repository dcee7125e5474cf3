import { Command, type Option } from 'commander'
import { formatUsd } from '../protocol/money.ts'
import { leavesOf, pathOf } from './commands.ts'
import { fillIn } from './settings.ts'
import { isFlag, readVariables } from './variables.ts'

/** Variables that no flag shows, because other users of the machine can read the flags of a process. */
export const VARIABLES_ONLY = { adminKey: 'CORTEX_ADMIN_KEY', masterKey: 'CORTEX_MASTER_KEY' } as const
const SECRET = /key|secret|token/i
/** Options that are no settings. */
export const NOT_SETTINGS = new Set(['json', 'help', 'config', 'file', 'forget', 'yes'])

interface Setting {
  name: string
  value: unknown
  from: string
  usedBy: string[]
}

/** `cortex config [COMMAND] [FLAGS]`: what holds, and where each came from. */
export function configCommand(program: () => Promise<Command>): Command {
  return new Command('config')
    .description('the effective settings and where each came from; of one command with its flags, or of all')
    .argument('[command...]', 'a command with its flags, e.g. up --port 14000')
    .option('--config <file>', 'settings in YAML')
    .option('--json', 'as JSON')
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText('after', '\nExamples:\n  $ cortex config\n  $ cortex config up --port 14000 --config cortex.yaml')
    .action(async (all: string[], { config, json }: { config?: string; json?: true }) => {
      const whole = await program()
      // Behind the command's name it is no setting of the command, but says how to show them.
      const words = all.filter((word) => word !== '--json')
      const options = { config, ...(json === true || words.length < all.length ? { json: true as const } : {}) }
      const given = options.config === undefined ? [] : ['--config', options.config]
      const settings = words.length > 0 ? await ofOne(whole, [...words, ...given]) : await ofAll(whole, options.config)
      await show([...settings, ...variablesOnly()], options)
    })
}

/** Parses the words as the command would, and stops where it would begin. */
async function ofOne(program: Command, words: string[]): Promise<Setting[]> {
  let settings: Setting[] = []
  for (const command of leavesOf(program)) {
    for (const argument of command.registeredArguments) argument.required = false
    command.action(() => {
      settings = settingsOf(command)
    })
  }
  await program.parseAsync(words, { from: 'user' })
  return settings
}

async function ofAll(program: Command, config: string | undefined): Promise<Setting[]> {
  const merged = new Map<string, Setting>()
  for (const command of leavesOf(program)) {
    takeVariables(command)
    if (config !== undefined) command.setOptionValueWithSource('config', config, 'cli')
    await fillIn(command)
    for (const setting of settingsOf(command)) {
      if (setting.value === undefined && !hasVariable(command, setting.name)) continue
      const key = JSON.stringify([setting.name, setting.value, setting.from])
      const known = merged.get(key)
      if (known === undefined) merged.set(key, setting)
      else known.usedBy.push(...setting.usedBy)
    }
  }
  return [...merged.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** What commander does itself where it parses. */
function takeVariables(command: Command): void {
  for (const option of command.options) {
    const text = option.envVar === undefined ? undefined : process.env[option.envVar]
    if (text === undefined) continue
    const value = isFlag(option) || option.parseArg === undefined ? text : option.parseArg(text, undefined)
    command.setOptionValueWithSource(option.attributeName(), value, 'env')
  }
  readVariables(command)
}

function hasVariable(command: Command, name: string): boolean {
  return command.options.some((option) => option.attributeName() === name && option.envVar !== undefined)
}

/** What holds where nothing is said: as the help says it, at its end in brackets. */
export function defaultOf(option: Option): unknown {
  if (option.defaultValue !== undefined) return option.defaultValue
  if (isFlag(option)) return option.negate
  return / \((?:default: )?([^()]+)\)$/.exec(option.description)?.[1]
}

function settingsOf(command: Command): Setting[] {
  return command.options
    .filter((option) => !NOT_SETTINGS.has(option.attributeName()) && !option.hidden)
    .map((option) => {
      const name = option.attributeName()
      const value = command.getOptionValue(name) ?? defaultOf(option)
      return { name, value, from: sourceOf(command, name, option.envVar), usedBy: [pathOf(command)] }
    })
}

function sourceOf(command: Command, name: string, variable: string | undefined): string {
  switch (command.getOptionValueSource(name)) {
    case 'cli':
      return 'flag'
    case 'env':
      return `variable ${variable}`
    case 'config':
      return `file ${command.opts<{ config?: string }>().config}`
    case 'login':
      return 'cortex login'
    default:
      return 'default'
  }
}

function variablesOnly(): Setting[] {
  return Object.entries(VARIABLES_ONLY)
    .filter(([, variable]) => process.env[variable] !== undefined)
    .map(([name, variable]) => ({
      name,
      value: process.env[variable],
      from: `variable ${variable}`,
      usedBy: ['gateway', 'up'],
    }))
}

async function show(settings: Setting[], options: { json?: true }): Promise<void> {
  const [{ table }, { print, printJson }] = await Promise.all([
    import('../node/commands/output.ts'),
    import('../node/commands/print.ts'),
  ])
  const masked = settings.map((setting) => ({ ...setting, value: maskedValue(setting) }))
  if (options.json === true) {
    printJson(masked.map((setting) => ({ ...setting, value: setting.value ?? null })))
    return
  }
  const rows = masked.map(({ name, value, from, usedBy }) => [name, textOf(value), from, shortList(usedBy)])
  print(...table(['SETTING', 'VALUE', 'FROM', 'USED BY'], rows))
}

/** A map of secrets shows its names. */
function maskedValue({ name, value }: Setting): unknown {
  if (typeof value === 'bigint') return formatUsd(value) // money is the only one
  if (!SECRET.test(name) || value === undefined) return value
  if (typeof value !== 'object' || value === null) return '********'
  return Object.fromEntries(Object.keys(value).map((key) => [key, '********']))
}

function textOf(value: unknown): string {
  if (value === undefined || value === '') return '-'
  if (Array.isArray(value)) return value.map(textOf).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function shortList(names: string[]): string {
  return names.length > 3 ? `${names.slice(0, 2).join(', ')} and ${names.length - 2} more` : names.join(', ')
}
