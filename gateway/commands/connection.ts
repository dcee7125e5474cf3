import { type Command, Option } from 'commander'
import { CliError } from '../../node/commands/cli-error.ts'
import type { CortexClient, CortexError } from '../client/index.ts'
import { DEFAULT_GATEWAY } from '../contract/address.ts'

/** What every command through a gateway takes. */
export interface ConnectionOptions {
  gateway: string
  key?: string
  json?: true
}

/** Repetitions of a request: fewer than a program's, because somebody waits. */
const RETRIES = 2

/** Adds `--gateway`, `--key` and `--json`. */
export function withConnection(command: Command): Command {
  return withGateway(command).option('--json', 'the API’s JSON')
}

/** Adds `--gateway` and `--key`. */
export function withGateway(command: Command): Command {
  return command
    .addOption(new Option('--gateway <url>', 'where the gateway is').env('CORTEX_GATEWAY').default(DEFAULT_GATEWAY))
    .addOption(new Option('--key <key>', 'what lets you in; see cortex login').env('CORTEX_KEY'))
}

/** The action of a command that asks a gateway: errors become one line with the remedy. */
export function asking<A extends unknown[]>(
  ask: (client: CortexClient, ...args: A) => Promise<void>,
): (...args: [...A, Command]) => Promise<void> {
  return async (...all: unknown[]) => {
    const command = all.at(-1) as Command
    await throughGateway(command.opts<ConnectionOptions>(), async (client) => await ask(client, ...(all as A)))
  }
}

/** @throws {CliError} */
export async function throughGateway<T>(
  { gateway, key }: Pick<ConnectionOptions, 'gateway' | 'key'>,
  ask: (client: CortexClient) => Promise<T>,
): Promise<T> {
  // Loaded when something is asked, so that help is quick.
  const { CortexClient, CortexError } = await import('../client/index.ts')
  try {
    const client = new CortexClient({
      baseUrl: gateway,
      retries: RETRIES,
      ...(key === undefined ? {} : { apiKey: key }),
    })
    return await ask(client)
  } catch (error) {
    if (error instanceof CortexError) throw explained(error, key)
    if (!(error instanceof TypeError && error.message.startsWith('baseUrl'))) throw error
    throw new CliError(`--gateway must be a URL such as ${DEFAULT_GATEWAY}; ${gateway} is none`, 1, { cause: error })
  }
}

function explained(error: CortexError, key: string | undefined): CliError {
  return new CliError(`${error.message.replace(/\.$/, '')}${remedy(error, key)}`, 1, { cause: error })
}

function remedy({ code, details, requestId, message }: CortexError, key: string | undefined): string {
  switch (code) {
    case 'VALIDATION_ERROR': {
      const fields = Array.isArray(details?.fields) ? (details.fields as { path: string; message: string }[]) : []
      const others = fields.slice(1, 6).map(({ path, message }) => `${path} ${message}`)
      return others.length === 0 ? '' : `; ${others.join('; ')}`
    }
    case 'UNAUTHORIZED':
      return key === undefined
        ? ": 'cortex login' keeps a key, or give --key"
        : ": give another --key, or 'cortex login'"
    case 'FORBIDDEN':
      return message.includes(':') ? '' : ': use a key that has this permission'
    case 'RATE_LIMIT_EXCEEDED':
      return ': wait a minute, or ask for a higher limit'
    case 'INTERNAL_ERROR':
    case 'UNEXPECTED_ANSWER':
      return requestId === undefined ? '' : ` (request ${requestId})`
    default:
      return ''
  }
}
