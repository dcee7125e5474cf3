import { startInSlot } from '../commands/client-slot.ts'
import type { Top } from '../commands/net.ts'
import { statusLine } from '../commands/status-line.ts'
import { createLogger } from '../logger.ts'
import { isOneLook, showTop } from './show-top.ts'
import { sellerOf } from './top-view.ts'

/** As a client node of its own sees the network: it asks for nothing, so there are no bids. */
export const networkTop: Top = async (options) => {
  const line = statusLine()
  line.now('joining the network')
  const logger = createLogger({ name: 'cortex', level: options.logLevel })
  const node = await startInSlot(options, { logger }, { stays: !isOneLook(options) })
  try {
    line.stop()
    await showTop(async () => {
      const { peers, listeners, heard, published, refused } = node.network.counters()
      const traffic = node.network.traffic()
      const providers = node.directory.list().map(sellerOf)
      return { atMs: performance.now(), peers, listeners, heard, published, refused, market: {}, traffic, providers }
    }, options)
  } finally {
    line.stop()
    await node.stop()
  }
}
