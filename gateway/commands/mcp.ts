import { Command, InvalidArgumentError, Option } from 'commander'
import type { NanoUsd } from '../../protocol/money.ts'
import { parseUsd } from '../../protocol/money.ts'
import { type ConnectionOptions, throughGateway, withGateway } from './connection.ts'

interface McpOptions extends Pick<ConnectionOptions, 'gateway' | 'key'> {
  budget?: NanoUsd
}

/** `cortex mcp`: tools for language models, over standard input and output. */
export function mcpCommand(): Command {
  const budget = new Option(
    '--budget <usd>',
    'what the tools may spend in 24 hours, e.g. 2.50; jobs beyond it are refused',
  )
    .env('CORTEX_BUDGET')
    .argParser(amount)
  return withGateway(
    new Command('mcp').description('tools for language models: jobs through a gateway, by the Model Context Protocol'),
  )
    .addOption(budget)
    .addHelpText('after', '\nExample:\n  $ cortex mcp --gateway https://cortex.example --budget 5')
    .action(async (options: McpOptions) => {
      await throughGateway(options, async (client) => {
        const { serveTools } = await import('../mcp/stdio.ts')
        await serveTools(client, { gateway: options.gateway, key: options.key, limit: options.budget })
      })
    })
}

/** @throws {InvalidArgumentError} */
function amount(text: string): NanoUsd {
  const limit = parseUsd(text)
  if (limit !== null) return limit
  throw new InvalidArgumentError('Give an amount of US dollars such as 2.50.')
}
