import { once } from 'node:events'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'
import { ownVersion } from '../../node/version.ts'
import type { CortexClient } from '../client/index.ts'
import { createRelay, type RelayInit } from './relay.ts'
import { createMcpServer } from './server.ts'

/** Largest message, in bytes: as large as the API takes a body. */
const MAX_MESSAGE_BYTES = 2 ** 20

/**
 * Serves the tools of a gateway over standard input and output, until the input ends. The gateway is asked first, so that
 * a wrong address or key is said at once, on standard error.
 * @throws {CortexError}
 */
export async function serveTools(client: CortexClient, init: RelayInit): Promise<void> {
  const { permissions: grants } = await client.me()
  const version = await ownVersion()
  const call = createRelay(init)
  const transport = new StdioServerTransport(process.stdin, process.stdout, { maxBufferSize: MAX_MESSAGE_BYTES })
  const served = serveStdio(() => createMcpServer(call, { grants, version }), { transport, maxSubscriptions: 0 })
  await once(process.stdin, 'close')
  await served.close()
}
