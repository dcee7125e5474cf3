import { benchResult, benchSubmission } from '../benchmark/bench-job.ts'
import type { ClientNode } from '../index.ts'
import { createLogger } from '../logger.ts'
import type { JobRecord } from '../store/index.ts'
import { providerView } from '../views/provider-view.ts'
import { providersHeard } from './await-providers.ts'
import { CliError } from './cli-error.ts'
import { startInSlot } from './client-slot.ts'
import { followJob } from './follow-job.ts'
import type { PeerOptions } from './options.ts'
import { parseSubmission } from './parse-submission.ts'
import type { ProviderSource } from './provider.ts'
import { findProvider, type ShownProvider, showBench, showProvider, showProviders } from './provider-table.ts'
import { statusLine } from './status-line.ts'

/** The directory as a client node of its own sees it. */
export const networkSource: ProviderSource = {
  async list(options) {
    const known = await lookAround(options)
    const shown = known.filter(({ status }) => options.all === true || status !== 'offline')
    if (shown.length === 0 && options.json !== true) {
      throw new CliError(
        `No provider is online on network ${options.network}: start one with 'cortex agent', or give --bootstrap`,
      )
    }
    showProviders(shown, options)
  },
  async bench(id, options) {
    const status = statusLine()
    status.now('joining the network')
    const node = await startInSlot(options, { logger: createLogger({ name: 'cortex', level: options.logLevel }) })
    try {
      await providersHeard(node.directory)
      const provider = findProvider(viewsOf(node), id)
      const spec = parseSubmission(await benchSubmission(provider.id, options))
      const { job } = await node.requester.submit({ owner: 'local', spec })
      status.now('measuring')
      const ended = await followJob(node.store, job.id, { onEvent: () => undefined, onLine: () => undefined })
      const found = await benchResult(node.store, ended)
      if (found === null) throw new CliError(`${job.id} measured nothing: ${failureOf(ended)}`)
      status.stop()
      showBench(provider, found, options)
    } finally {
      status.stop()
      await node.stop()
    }
  },
  async status(id, options) {
    showProvider(findProvider(await lookAround(options), id), options)
  },
}

/** Jobs of a short-lived node are its own: nothing was spent anywhere. */
function viewsOf({ directory, requester }: ClientNode): ShownProvider[] {
  const views = directory.list().map((one) => providerView(one, 0n, requester.seen(one.provider, 'local')))
  return views.sort((a, b) => a.name.localeCompare(b.name))
}

function failureOf({ state }: JobRecord): string {
  return state.status === 'failed' ? state.failure.message : `it ${state.status}`
}

async function lookAround(options: PeerOptions): Promise<ShownProvider[]> {
  const line = statusLine()
  line.now('listening for providers')
  const node = await startInSlot(options, { logger: createLogger({ name: 'cortex', level: options.logLevel }) })
  try {
    await providersHeard(node.directory)
    return viewsOf(node)
  } finally {
    line.stop()
    await node.stop()
  }
}
