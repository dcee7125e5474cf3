import { CliError } from '../../node/commands/cli-error.ts'
import type { ProviderOptions, ProviderSource } from '../../node/commands/provider.ts'
import { findProvider, showProvider, showProviders } from '../../node/commands/provider-table.ts'
import { DEFAULT_GATEWAY } from '../constants.ts'
import { throughGateway } from './connection.ts'

/** The directory as a gateway sees it. */
export const gatewaySource: ProviderSource = {
  async list(options) {
    const known = await providersOf(options)
    const shown = known.filter(({ status }) => options.all === true || status !== 'offline')
    if (shown.length === 0 && options.json !== true) {
      throw new CliError('The gateway knows of no provider that is online: wait for one, or give --all')
    }
    showProviders(shown, options)
  },
  async status(id, options) {
    showProvider(findProvider(await providersOf(options), id), options)
  },
}

async function providersOf({ gateway = DEFAULT_GATEWAY, key }: ProviderOptions) {
  const connection = { gateway, ...(key === undefined ? {} : { key }) }
  return await throughGateway(connection, async (client) => await Array.fromAsync(client.providers.all()))
}
