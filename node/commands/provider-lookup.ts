import { setTimeout as delay } from 'node:timers/promises'
import type { Directory } from '../directory/index.ts'
import { createLogger } from '../logger.ts'
import { providerView } from '../views/provider-view.ts'
import { CliError } from './cli-error.ts'
import { startInSlot } from './client-slot.ts'
import type { PeerOptions } from './options.ts'
import { statusLine } from './output.ts'
import type { ProviderSource } from './provider.ts'
import { findProvider, type ShownProvider, showProvider, showProviders } from './provider-table.ts'

/** How long a short-lived node listens for providers it has not heard of, in ms. */
const LISTEN_MS = 2_000
/** Once somebody was heard, how long nobody new must come before the list is shown, in ms. */
const QUIET_MS = 400

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
  async status(id, options) {
    showProvider(findProvider(await lookAround(options), id), options)
  },
}

async function lookAround(options: PeerOptions): Promise<ShownProvider[]> {
  const line = statusLine()
  line.now('listening for providers')
  const node = await startInSlot(options, { logger: createLogger({ name: 'cortex', level: options.logLevel }) })
  try {
    await settled(node.directory)
    // Jobs of a short-lived node are its own: nothing was spent anywhere.
    const views = node.directory.list().map((provider) => providerView(provider, 0n))
    return views.sort((a, b) => a.name.localeCompare(b.name))
  } finally {
    line.stop()
    await node.stop()
  }
}

/** Waits until somebody was heard and nobody new comes any more, or long enough. */
async function settled(directory: Directory): Promise<void> {
  const end = performance.now() + LISTEN_MS
  let newest = performance.now()
  const stop = directory.onChange(() => {
    newest = performance.now()
  })
  while (performance.now() < end) {
    await delay(50)
    if (directory.list().length > 0 && performance.now() - newest > QUIET_MS) break
  }
  stop()
}
