import { readdir } from 'node:fs/promises'
import { Argument, Command, CommanderError } from 'commander'
import type { GatewayOptions } from '../gateway/commands/gateway-options.ts'
import { CliError } from '../node/commands/cli-error.ts'
import { type PeerOptions, partFolder } from '../node/commands/options.ts'
import type { Check, Finding } from '../node/doctor/check.ts'
import type { SellerOptions } from '../provider-agent/commands/seller-flags.ts'
import { leavesOf } from './commands.ts'
import { secondPeer } from './second-peer.ts'

/** What may be looked at, and the command that starts it. */
const ROLES = { client: 'run', agent: 'agent', gateway: 'gateway', relay: 'relay', up: 'up' } as const
type Role = keyof typeof ROLES
type Part = Exclude<Role, 'up'>

type RoleOptions = PeerOptions & Partial<GatewayOptions & SellerOptions> & { config?: string }

/** A finding, and which part of this machine it is about. */
interface Row extends Finding {
  part: Part
}

/** Exit code where nothing fails, and something could be better. */
const ONLY_WARNINGS = 2

/**
 * `cortex doctor [ROLE] [FLAGS]`: whether a part of this machine can do what it is there for, running or not.
 *
 * @param program makes it with one command whole
 */
export function doctorCommand(program: (command: string) => Promise<Command>): Command {
  return new Command('doctor')
    .description(
      'what keeps this machine from its work, and what to do; exits with 1 on a failure, with 2 on warnings alone',
    )
    .addArgument(roleArgument())
    .argument('[flags...]', 'those that start it')
    .option('--json', 'as JSON')
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText('after', '\nExamples:\n  $ cortex doctor\n  $ cortex doctor agent --config cortex.yaml')
    .action(async (role: string | undefined, flags: string[], { json }: { json?: true }) => {
      const all = role === undefined ? flags : [role, ...flags]
      const words = all.filter((word) => word !== '--json')
      const rows = await lookAt(program, words)
      await show(rows, json === true || words.length < all.length)
      if (rows.some(({ state }) => state === 'fail')) process.exitCode = 1
      else if (rows.some(({ state }) => state === 'warn')) process.exitCode = ONLY_WARNINGS
    })
}

/** Offered to whoever types, and not held to: the first word may be a flag as well. */
function roleArgument(): Argument {
  const argument = new Argument('[role]', 'what is looked at, else the parts that are in --data')
  argument.argChoices = Object.keys(ROLES)
  return argument
}

async function lookAt(program: (command: string) => Promise<Command>, words: string[]): Promise<Row[]> {
  const [first = '-'] = words
  if (!isRole(first) && !first.startsWith('-')) {
    throw new CliError(`There is no role ${first}: name one of ${Object.keys(ROLES).join(', ')}, before its flags`)
  }
  const roles = isRole(first) ? [first] : await rolesIn((await optionsOf(program, 'client', words)).options.data)
  const flags = isRole(first) ? words.slice(1) : words
  const rows = await Promise.all(roles.map(async (role) => await lookAtRole(program, role, flags)))
  return rows.flat()
}

function isRole(word: string): word is Role {
  return Object.hasOwn(ROLES, word)
}

/** The parts that were started on this data folder; a client where there is none. */
async function rolesIn(data: string): Promise<Role[]> {
  const names = await readdir(data).catch((): string[] => []) // nothing was started yet
  const found = (['gateway', 'agent', 'relay'] as const).filter((part) => names.includes(part))
  return found.length === 0 ? ['client'] : [...found]
}

async function lookAtRole(program: (command: string) => Promise<Command>, role: Role, words: string[]): Promise<Row[]> {
  const { options, problem } = await optionsOf(program, role, words)
  const [{ runChecks }, { configurationFinding, versionCheck }] = await Promise.all([
    import('../node/doctor/check.ts'),
    import('../node/doctor/machine.ts'),
  ])
  const parts: Part[] = role === 'up' ? ['gateway', 'agent'] : [role]
  const rows = await Promise.all(
    parts.map(async (part) => {
      // Of `cortex up`, the agent's peer is at the next port.
      const own = role === 'up' && part === 'agent' ? { ...options, ...secondPeer(options) } : options
      const checks = [versionCheck(), ...(await checksOf(part, own))]
      const findings = [configurationFinding(options.config, problem), ...(await runChecks(checks))]
      return findings.map((finding) => ({ part, ...finding }))
    }),
  )
  return rows.flat()
}

async function checksOf(part: Part, options: RoleOptions): Promise<Check[]> {
  const [machine, { peersCheck }, { peerPortChecks }] = await Promise.all([
    import('../node/doctor/machine.ts'),
    import('../node/doctor/peers.ts'),
    import('../node/doctor/ports.ts'),
  ])
  const folder = partFolder(options, part)
  const pid = part === 'client' ? null : await machine.runningOn(folder)
  const isRequired = part === 'client'
  const peers = peersCheck(options, { isPublic: part === 'relay', isRequired })
  const common = [machine.folderCheck(folder), machine.diskCheck(folder), peers]
  if (part === 'client') return common
  return [...common, ...peerPortChecks(options.listen, pid), ...(await ownChecks(part, options, { folder, pid }))]
}

async function ownChecks(
  part: Part,
  options: RoleOptions,
  { folder, pid }: { folder: string; pid: number | null },
): Promise<Check[]> {
  if (part !== 'agent' && part !== 'gateway') return []
  const { backupsChecks } = await import('../node/doctor/backups.ts')
  const { host = '', port = 0, tlsCert, tlsKey, acme, acmeChallenge, acmeDnsHook, dockerHost } = options
  const isRunning = pid !== null
  const backups = backupsChecks({ kind: part, folder, options, isRunning })
  if (part === 'agent') {
    const { agentChecks } = await import('../provider-agent/commands/agent-checks.ts')
    return [...agentChecks({ folder, isRunning, ...(dockerHost === undefined ? {} : { dockerHost }) }), ...backups]
  }
  const { gatewayChecks } = await import('../gateway/commands/gateway-checks.ts')
  const certified = {
    ...(acme && { acme }),
    ...(acmeChallenge && { acmeChallenge }),
    ...(acmeDnsHook && { acmeDnsHook }),
  }
  const tls = { ...(tlsCert && { tlsCert }), ...(tlsKey && { tlsKey }), ...certified }
  return [...gatewayChecks({ options: { host, port, ...tls }, folder, pid }), ...backups]
}

/**
 * What the words mean to the command that starts this; where the settings cannot be used, what was said beside them, and
 * why.
 *
 * @throws {CommanderError} where a word is no flag of it
 */
async function optionsOf(
  program: (command: string) => Promise<Command>,
  role: Role,
  words: string[],
): Promise<{ options: RoleOptions; problem: string | null }> {
  const name = ROLES[role]
  const whole = await program(name)
  const command = whole.commands.find((one) => one.name() === name) as Command
  for (const leaf of leavesOf(command)) {
    for (const argument of leaf.registeredArguments) argument.required = false
    leaf.action(() => undefined)
  }
  try {
    await whole.parseAsync([name, ...words], { from: 'user' })
    return { options: command.opts(), problem: null }
  } catch (error) {
    if (!(error instanceof CliError) || error instanceof CommanderError) throw error
    return { options: command.opts(), problem: error.message }
  }
}

async function show(rows: Row[], json: boolean): Promise<void> {
  const [{ table }, { print, printJson }] = await Promise.all([
    import('../node/commands/output.ts'),
    import('../node/commands/print.ts'),
  ])
  if (json) return printJson({ ok: rows.every(({ state }) => state !== 'fail'), findings: rows })
  print(
    ...table(
      ['', 'PART', 'WHAT', 'FOUND', 'WHAT TO DO'],
      rows.map(({ part, check, state, found, remedy }) => [state, part, check, found, remedy]),
    ),
  )
}
