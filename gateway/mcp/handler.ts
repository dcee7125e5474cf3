import { createMcpHandler } from '@modelcontextprotocol/server'
import type { Logger } from '../../node/logger.ts'
import { type NanoUsd, parseUsd } from '../../protocol/money.ts'
import { CortexClient } from '../client/index.ts'
import { BUDGET_HEADER } from '../contract/address.ts'
import type { Ask } from '../events/index.ts'
import { bearerOf, type GatewayContext } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Principal } from '../http/principal.ts'
import { createBudget, createTurns } from './budget.ts'
import { createMcpServer } from './server.ts'

/** One request, as it was let in. */
interface Call {
  principal: Principal
  /** One message, as it was sent. */
  body: unknown
  /** Ends what is under way. */
  signal: AbortSignal
  ask: Ask
}

/** What stands in no header of a request to the API that a tool makes. */
const ADDRESS_OF_CALLER = ['clientAddress', 'incoming'] as const

/** Answers messages, each by a server of its own: nothing is kept from one to the next. */
export function createHandler({ logger }: { logger: Logger }, { version }: { version: string }) {
  const inTurn = createTurns()
  return {
    async answer(c: GatewayContext, { principal, body, signal, ask }: Call): Promise<Response> {
      const client = clientOf(c, ask)
      const limit = limitOf(c)
      const budget = limit === null ? null : createBudget({ client, inTurn }, { keyId: principal.keyId, limit })
      const { fetch } = createMcpHandler(
        () => createMcpServer({ client, budget, signal }, { grants: principal.grants, version }),
        {
          // The list of tools does not change, so nobody has to be told.
          maxSubscriptions: 0,
          onerror: (error) => logger.debug({ error: error.message }, 'a message to /mcp'),
        },
      )
      return await fetch(c.req.raw, { parsedBody: body })
    },
  }
}

/** A client whose requests never leave this process, and bear the key of the caller. */
function clientOf(c: GatewayContext, ask: Ask): CortexClient {
  const { origin } = new URL(c.req.url)
  const host = c.req.header('host')
  const given = (c.env ?? {}) as Record<string, unknown>
  const env = Object.fromEntries(ADDRESS_OF_CALLER.flatMap((name) => (name in given ? [[name, given[name]]] : [])))
  return new CortexClient({
    baseUrl: origin,
    apiKey: bearerOf(c) ?? '',
    // Whoever is told to wait is the caller.
    retries: 0,
    fetch: async (input, init) => {
      const request = new Request(input, init)
      if (host !== undefined) request.headers.set('host', host)
      return await ask(request, env)
    },
  })
}

/** What the caller lets its tools spend, in 24 hours. @throws {GatewayError} */
function limitOf(c: GatewayContext): NanoUsd | null {
  const text = c.req.header(BUDGET_HEADER)
  if (text === undefined) return null
  const limit = parseUsd(text)
  if (limit !== null) return limit
  throw new GatewayError('VALIDATION_ERROR', `${BUDGET_HEADER} must be an amount of US dollars such as 2.50`)
}
