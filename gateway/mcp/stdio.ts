import { once } from 'node:events'
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio'
import { ownVersion } from '../../node/version.ts'
import type { NanoUsd } from '../../protocol/money.ts'
import type { CortexClient } from '../client/index.ts'
import { createBudget, createTurns } from './budget.ts'
import { createMcpServer } from './server.ts'

/** Largest message, in bytes: as large as the API takes a body. */
const MAX_MESSAGE_BYTES = 2 ** 20

/**
 * Serves the tools over standard input and output, until the input ends. The gateway is asked first, so that a wrong
 * address or key is said at once, on standard error.
 * @param init.limit what the tools may spend in 24 hours
 * @throws {CortexError}
 */
export async function serveTools(client: CortexClient, { limit }: { limit?: NanoUsd }): Promise<void> {
  const { keyId, permissions: grants } = await client.me()
  const version = await ownVersion()
  const budget = limit === undefined ? null : createBudget({ client, inTurn: createTurns() }, { keyId, limit })
  const transport = new StdioServerTransport(process.stdin, process.stdout, { maxBufferSize: MAX_MESSAGE_BYTES })
  const served = serveStdio(() => createMcpServer({ client, budget }, { grants, version }), {
    transport,
    maxSubscriptions: 0,
  })
  await once(process.stdin, 'close')
  await served.close()
}
