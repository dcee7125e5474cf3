import { Command } from 'commander'

/** A command that is loaded when it is asked for, so that help is quick. */
interface Entry {
  name: string
  description: string
  load(): Promise<Command>
}

const ENTRIES: readonly Entry[] = [
  {
    name: 'up',
    description: 'everything in one process: gateway, client node and provider agent',
    load: async () => (await import('./up.ts')).upCommand(),
  },
  {
    name: 'gateway',
    description: 'serve the REST and SSE API over a client node of its own',
    load: async () => (await import('../gateway/commands/gateway.ts')).gatewayCommand(),
  },
  {
    name: 'agent',
    description: 'rent out this machine: measure it, bid, and run the jobs it wins',
    load: async () => (await import('../provider-agent/commands/agent.ts')).agentCommand(),
  },
  {
    name: 'run',
    description: 'run one job on the network and follow it; exits with the container’s exit code',
    load: async () =>
      (await import('../node/commands/run.ts')).runCommand({
        flags: (await import('../gateway/commands/connection.ts')).withGateway,
        submit: async () => (await import('../gateway/commands/submit-job.ts')).submitDetached,
      }),
  },
  {
    name: 'job',
    description: 'jobs through a gateway: submit, list, get, logs, cancel and more',
    load: async () => (await import('../gateway/commands/job.ts')).jobCommand(),
  },
  {
    name: 'ssh',
    description: 'a shell in a running job, files and ports of it, by OpenSSH’s client',
    load: async () => (await import('../gateway/commands/ssh.ts')).sshCommand(),
  },
  {
    name: 'ssh-config',
    description: 'make plain ssh, rsync, git and editors find jobs',
    load: async () => (await import('../gateway/commands/ssh-config.ts')).sshConfigCommand(),
  },
  {
    name: 'batch',
    description: 'many jobs as one, from a list or a CSV file',
    load: async () => (await import('../gateway/commands/batch.ts')).batchCommand(),
  },
  {
    name: 'template',
    description: 'job configurations that are kept',
    load: async () => (await import('../gateway/commands/template.ts')).templateCommand(),
  },
  {
    name: 'schedule',
    description: 'jobs that run at given times',
    load: async () => (await import('../gateway/commands/schedule.ts')).scheduleCommand(),
  },
  {
    name: 'costs',
    description: 'what jobs and volumes cost, and what this month is expected to',
    load: async () => (await import('../gateway/commands/costs.ts')).costsCommand(),
  },
  {
    name: 'webhook',
    description: 'be told of events',
    load: async () => (await import('../gateway/commands/webhook.ts')).webhookCommand(),
  },
  {
    name: 'key',
    description: 'who may use the gateway',
    load: async () => (await import('../gateway/commands/key.ts')).keyCommand(),
  },
  {
    name: 'mcp',
    description: 'tools for language models: jobs through a gateway, by the Model Context Protocol',
    load: async () => (await import('../gateway/commands/mcp.ts')).mcpCommand(),
  },
  {
    name: 'login',
    description: 'keep a gateway’s address and key for the commands that ask one',
    load: async () => (await import('../gateway/commands/login.ts')).loginCommand(),
  },
  {
    name: 'provider',
    description: 'who sells on the network',
    load: async () =>
      (await import('../node/commands/provider.ts')).providerCommand(
        {
          network: async () => (await import('../node/commands/provider-lookup.ts')).networkSource,
          gateway: async () => (await import('../gateway/commands/provider-source.ts')).gatewaySource,
        },
        (await import('../gateway/commands/added-provider.ts')).addedProviderCommands(),
      ),
  },
  {
    name: 'image',
    description: 'images without a registry',
    load: async () => (await import('../gateway/commands/image.ts')).imageCommand(),
  },
  {
    name: 'volume',
    description: 'what jobs left to be used again',
    load: async () =>
      (await import('../node/commands/volume.ts')).volumeCommand({
        network: async () => (await import('../node/commands/volume-source.ts')).networkVolumes,
        gateway: async () => (await import('../gateway/commands/volume-source.ts')).gatewayVolumes,
      }),
  },
  {
    name: 'relay',
    description: 'help peers behind routers to be reached; needs a public address',
    load: async () => (await import('../node/commands/relay.ts')).relayCommand(),
  },
  {
    name: 'net',
    description: 'the network as one peer sees it, live',
    load: async () =>
      (await import('../node/commands/net.ts')).netCommand({
        network: async () => (await import('../node/top/network-top.ts')).networkTop,
        gateway: async () => (await import('../gateway/commands/gateway-top.ts')).gatewayTop,
      }),
  },
  {
    name: 'receipt',
    description: 'signed statements of use',
    load: async () => (await import('../node/commands/receipt.ts')).receiptCommand(),
  },
  {
    name: 'network-key',
    description: 'make the key of a private network: peers without it cannot connect',
    load: async () => (await import('../node/commands/network-key.ts')).networkKeyCommand(),
  },
  {
    name: 'id',
    description: 'print this node’s peer id (made on first use)',
    load: async () => (await import('../node/commands/id.ts')).idCommand(),
  },
  {
    name: 'version',
    description: 'which version this is, and whether there is a newer one',
    load: async () => (await import('../node/commands/version.ts')).versionCommand(),
  },
]

/** Adds every command: the one with this name, or all where it is `*`, whole, the others by name and description. */
export async function addCommands(program: Command, wanted: string): Promise<void> {
  for (const { name, description, load } of ENTRIES) {
    const command = name === wanted || wanted === '*' ? await load() : new Command(name)
    program.addCommand(command.description(description))
  }
}

/** The name of every option of every command, as the configuration file writes it. */
export async function everyOption(): Promise<Set<string>> {
  const all = new Command().enablePositionalOptions() // as the program
  await addCommands(all, '*')
  return new Set(leavesOf(all).flatMap(({ options }) => options.map((option) => option.attributeName())))
}

/** The name of every option of one command and its parts. */
export async function optionsOf(name: string): Promise<Set<string>> {
  const entry = ENTRIES.find((one) => one.name === name)
  if (entry === undefined) return new Set()
  const parent = new Command().addCommand(await entry.load())
  return new Set(leavesOf(parent).flatMap(({ options }) => options.map((option) => option.attributeName())))
}

/** As they stand directly after `cortex`. */
export function commandNames(): string[] {
  return ENTRIES.map(({ name }) => name)
}

/** Commands that do something themselves. */
export function leavesOf(command: Command): Command[] {
  // One with flags of its own does something besides what its parts do; the program's own flag is no such.
  const isLeaf = command.commands.length === 0 || (command.parent !== null && command.options.length > 0)
  return [...(isLeaf ? [command] : []), ...command.commands.flatMap(leavesOf)]
}

/** Names from below the program down, e.g. `job submit`. */
export function pathOf(command: Command): string {
  const { parent } = command
  return parent === null || parent.parent === null ? command.name() : `${pathOf(parent)} ${command.name()}`
}
