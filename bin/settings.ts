import { readFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { CliError } from '../node/commands/cli-error.ts'
import { commandNames, everyOption, leavesOf, optionsOf, pathOf } from './commands.ts'
import { isFlag, readVariables } from './variables.ts'

/**
 * Where an option's value came from: commander's own words, `config` for the file of `--config`, `login` for what
 * `cortex login` keeps. A flag outweighs a variable, that the file, that the login, that the default.
 */
type Settings = Record<string, unknown>

/** Gives every command `--config`, and fills what neither flag nor variable says before one runs. */
export function withSettings(program: Command): void {
  for (const command of leavesOf(program)) {
    command.addOption(
      new Option('--config <file>', 'settings in YAML: flags by their names, or under a command’s name').env(
        'CORTEX_CONFIG',
      ),
    )
  }
  program.hook('preAction', async (_program, command) => await fillIn(command))
}

/** @throws {CliError} */
export async function fillIn(command: Command): Promise<void> {
  readVariables(command)
  const { config } = command.opts<{ config?: string }>()
  if (config !== undefined) await fromFile(command, config)
  await fromLogin(command)
}

async function fromFile(command: Command, path: string): Promise<void> {
  const file = await readSettings(path)
  await checkNames(file, path)
  const section = file[pathOf(command).split(' ')[0] ?? '']
  const settings = { ...topLevel(file), ...(isMap(section) ? normalised(section) : {}) }
  for (const option of command.options) {
    const name = option.attributeName()
    const value = settings[name]
    if (value === undefined || !isOpen(command, name)) continue
    command.setOptionValueWithSource(name, readValue(option, value, `${path}: ${name}`), 'config')
  }
}

/**
 * Whether every name means something, those of other commands too: a section that is misspelled would be as if it were not
 * there, and who is served, or by what key, would be what it is without.
 */
async function checkNames(file: Settings, path: string): Promise<void> {
  const commands = commandNames()
  const every = await everyOption()
  for (const [name, value] of Object.entries(file)) {
    const [setting = ''] = Object.keys(normalised({ [name]: value }))
    if (isMap(value) && !MAPS.has(name)) {
      if (!commands.includes(name)) {
        const known = commands.join(', ')
        throw new CliError(`${path}: there is no command ${name} to have settings: a section is one of ${known}`)
      }
      const own = await optionsOf(name)
      const wrong = Object.keys(normalised(value)).find((key) => !own.has(key))
      if (wrong === undefined) continue
      throw new CliError(`${path}: there is no setting ${wrong} of ${name}: 'cortex ${name} --help' lists them`)
    }
    // A section whose lines are all taken out.
    if (every.has(setting) || (value === null && commands.includes(name))) continue
    if (commands.includes(name)) {
      throw new CliError(`${path}: ${name} is a command: put its settings under it, one a line`)
    }
    throw new CliError(`${path}: there is no setting ${setting}: 'cortex config' lists them`)
  }
}

async function readSettings(path: string): Promise<Settings> {
  const { parse, YAMLParseError } = await import('yaml')
  try {
    const value = parse(await readFile(path, 'utf8')) ?? {}
    if (isMap(value)) return value
  } catch (cause) {
    if (cause instanceof YAMLParseError) {
      throw new CliError(`${path} is no YAML: ${cause.message.split('\n')[0]?.replace(/:$/, '')}`, 1, { cause })
    }
    const code = cause instanceof Error && 'code' in cause ? cause.code : cause
    throw new CliError(`Cannot read ${path} (${code}): check --config`, 1, { cause })
  }
  throw new CliError(`${path} must hold names and values, such as network: main`)
}

/** Options that are maps themselves; every other map is the section of a command. */
const MAPS = new Set(['label', 'env', 'secret', 'alias', 'registry-mirror', 'registryMirror'])

function topLevel(file: Settings): Settings {
  return normalised(Object.fromEntries(Object.entries(file).filter(([name, value]) => !isMap(value) || MAPS.has(name))))
}

/** `price-cpu` is `priceCpu`. */
function normalised(settings: Settings): Settings {
  const camel = (name: string): string => name.replaceAll(/-([a-z])/g, (_all, letter: string) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [camel(name), value]))
}

/** Read as the flag would be. */
function readValue(option: Option, value: unknown, where: string): unknown {
  // As if it were not there, what is meant to keep others out would let them in.
  if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) {
    throw new CliError(`${where} has no value: give it one, or take the line out`)
  }
  if (isFlag(option)) {
    if (typeof value === 'boolean') return value
    throw new CliError(`${where} must be true or false`)
  }
  const words = Array.isArray(value)
    ? value.map(String)
    : isMap(value)
      ? Object.entries(value).map(([name, one]) => `${name}=${one}`)
      : [String(value)]
  if (option.parseArg === undefined) return option.variadic ? words : words[0]
  try {
    return words.reduce<unknown>((previous, word) => option.parseArg?.(word, previous), undefined)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw new CliError(`${where}: ${words.join(', ')} is not right. ${error.message}`, 1, { cause: error })
  }
}

/** The key belongs to its gateway: another one is not shown it. */
async function fromLogin(command: Command): Promise<void> {
  const gateway = command.options.find((option) => option.attributeName() === 'gateway')
  if (gateway === undefined) return
  const { readLogin } = await import('../gateway/commands/login-file.ts')
  const login = await readLogin()
  if (login === null) return
  // Without a default, a gateway is asked only where one is named.
  if (gateway.defaultValue !== undefined && isOpen(command, 'gateway')) {
    command.setOptionValueWithSource('gateway', login.gateway, 'login')
  }
  if (isOpen(command, 'key') && command.opts<{ gateway?: string }>().gateway === login.gateway) {
    command.setOptionValueWithSource('key', login.key, 'login')
  }
}

function isOpen(command: Command, name: string): boolean {
  return [undefined, 'default'].includes(command.getOptionValueSource(name))
}

function isMap(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
