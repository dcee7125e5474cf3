import { figuresIn } from '../../node/benchmark/bench-job.ts'
import { CliError } from '../../node/commands/cli-error.ts'
import type { ProviderOptions, ProviderSource } from '../../node/commands/provider.ts'
import { findProvider, showBench, showProvider, showProviders } from '../../node/commands/provider-table.ts'
import { DEFAULT_GATEWAY } from '../contract/address.ts'
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
  async bench(id, options) {
    const { gateway = DEFAULT_GATEWAY, key, image, maxPrice } = options
    const connection = { gateway, ...(key === undefined ? {} : { key }) }
    const provider = findProvider(await providersOf(options), id)
    await throughGateway(connection, async (client) => {
      const settings = { ...(image === undefined ? {} : { image }), ...(maxPrice === undefined ? {} : { maxPrice }) }
      const { id: jobId } = await client.providers.bench(provider.id, settings)
      let last = ''
      for await (const { line } of client.jobs.logs(jobId, { follow: true })) last = line
      const job = await client.jobs.get(jobId)
      const found = job.status === 'completed' ? figuresIn(last) : null
      if (found === null) throw new CliError(`${jobId} measured nothing: ${job.error?.message ?? `it ${job.status}`}`)
      showBench(provider, found, options)
    })
  },
  async status(id, options) {
    showProvider(findProvider(await providersOf(options), id), options)
  },
}

async function providersOf({ gateway = DEFAULT_GATEWAY, key }: ProviderOptions) {
  const connection = { gateway, ...(key === undefined ? {} : { key }) }
  return await throughGateway(connection, async (client) => await Array.fromAsync(client.providers.all()))
}
