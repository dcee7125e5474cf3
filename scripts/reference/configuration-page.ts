import type { Command, Option } from 'commander'
import { leavesOf, pathOf } from '../../bin/commands.ts'
import { NOT_SETTINGS, VARIABLES_ONLY } from '../../bin/config.ts'
import { isFlag } from '../../bin/variables.ts'
import { defaultText, meaning } from './command-pages.ts'
import { code, fence, pageOf, type ReferencePage, table } from './markdown.ts'

/** Variables that other programs gave their meaning, and what they do here. */
const OF_OTHERS = [
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'where traces are sent, see [monitoring](../monitoring.md)'],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'the same, for traces alone'],
  ['NO_COLOR', 'with any value: no colours'],
  ['DEBUG', 'with any value: what libp2p itself says, e.g. `libp2p:*`'],
]

const OWN_MEANINGS: Record<keyof typeof VARIABLES_ONLY, string> = {
  adminKey: 'the admin key of a gateway, in place of the one that it makes and keeps in its folder',
  masterKey: 'what a gateway encrypts secrets with, in place of the key that it makes and keeps in its folder',
}

/** A file of settings as people write it; a test reads it as the program does. */
const EXAMPLE = `network: main
bootstrap:
  - /ip4/203.0.113.7/tcp/13100
agent:
  name: attic
  cpu: 2000
  memory: 2Gi
  price-cpu: 0.01
  hours: "Mon-Fri 18:00-08:00"
  time-zone: Europe/Berlin
  label:
    disk: nvme
gateway:
  port: 13000
  proxy-domain: jobs.example`

interface Setting {
  option: Option
  usedBy: string[]
}

/** Every key of the configuration file and every environment variable. */
export function configurationPage(program: Command): ReferencePage {
  const settings = settingsOf(program)
  const rows = settings.map(({ option, usedBy }) => [
    code(keyOf(option)),
    typeOf(option),
    defaultText(option),
    option.envVar === undefined ? '' : code(option.envVar),
    meaning(option),
    shortList(usedBy),
  ])
  return pageOf('reference/configuration.md', 'Configuration', 'the program’s own flags', [
    '`--config FILE`, or `CORTEX_CONFIG`, names a file of settings in YAML: flags by their names without the dashes, at the top for every command that has them, or under a command’s name for that one alone. A flag outweighs a variable, a variable the file, the file what `cortex login` keeps, and that the default. A name that no command knows is refused. `cortex config` prints what holds and where each value came from.',
    fence('yaml', EXAMPLE),
    '## Keys and variables',
    'A key whose flag may be repeated takes a list. A variable of a switch says `true` or `false`; an empty one is refused.',
    table(['key', 'type', 'default', 'variable', 'meaning', 'of'], rows),
    '## Variables that no flag has',
    'Other users of a machine can read the flags of a process, so that keys are given by these.',
    table(
      ['variable', 'meaning'],
      [
        ...Object.entries(VARIABLES_ONLY).map(([name, variable]) => [
          code(variable),
          OWN_MEANINGS[name as keyof typeof VARIABLES_ONLY],
        ]),
        ...OF_OTHERS.map(([name = '', text = '']) => [code(name), text]),
      ],
    ),
  ])
}

/** Those of several commands once, where they mean the same. */
function settingsOf(program: Command): Setting[] {
  const merged = new Map<string, Setting>()
  for (const command of leavesOf(program)) {
    for (const option of command.options) {
      if (option.hidden || NOT_SETTINGS.has(option.attributeName())) continue
      const key = JSON.stringify([keyOf(option), meaning(option), defaultText(option), option.envVar])
      const known = merged.get(key)
      if (known === undefined) merged.set(key, { option, usedBy: [pathOf(command)] })
      else known.usedBy.push(pathOf(command))
    }
  }
  return [...merged.values()].sort((a, b) => (keyOf(a.option) < keyOf(b.option) ? -1 : 1))
}

/** Several parts of one command as that command. */
function shortList(names: string[]): string {
  const byCommand = Map.groupBy(names, (name) => name.split(' ')[0] ?? name)
  return [...byCommand]
    .map(([command, own]) => (own.length > 2 ? `${code(command)} …` : own.map(code).join(', ')))
    .join(', ')
}

/** As the file writes it: `--no-mdns` is `mdns: false`. */
function keyOf({ long, short, negate }: Option): string {
  const name = (long ?? short ?? '').replace(/^-+/, '')
  return negate ? name.replace(/^no-/, '') : name
}

function typeOf(option: Option): string {
  if (isFlag(option)) return option.negate ? '`false`' : '`true`'
  return option.flags.match(/[<[](.+)[>\]]$/)?.[1]?.replace('...', '') ?? ''
}
