import { createMcpHandler } from '@modelcontextprotocol/server'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { JobStore } from '../../node/store/index.ts'
import { type NanoUsd, parseUsd } from '../../protocol/money.ts'
import { CortexClient } from '../client/index.ts'
import { BUDGET_HEADER } from '../contract/address.ts'
import type { Ask } from '../events/index.ts'
import { bearerOf, type GatewayContext, TOOL_KEY } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Principal } from '../http/principal.ts'
import { answered } from './answers.ts'
import { createBudget, createTurns } from './budget.ts'
import { createMcpServer } from './server.ts'
import { spentBy } from './spent.ts'

/** Of how long a time jobs that have ended count, in ms. */
const DAY_MS = 86_400_000

/** What {@link createHandler} works with. */
export interface HandlerComponents {
  store: Pick<JobStore, 'listIds' | 'look'>
  clock: Clock
  logger: Logger
}

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
export function createHandler({ store, clock, logger }: HandlerComponents, { version }: { version: string }) {
  const inTurn = createTurns()
  return {
    async answer(c: GatewayContext, { principal, body, signal: ended, ask }: Call): Promise<Response> {
      const { keyId, owner, grants } = principal
      const client = clientOf(c, ask, keyId)
      const limit = limitOf(c)
      const spent = async (signal: AbortSignal): Promise<NanoUsd> =>
        await spentBy(store, { owner, keyId }, { fromMs: clock.nowMs() - DAY_MS, signal })
      const budget = limit === null ? null : createBudget({ client, inTurn, spent }, { keyId, limit })
      const { fetch } = createMcpHandler(
        () =>
          createMcpServer(
            async (tool, args, gone) => {
              const signal = AbortSignal.any([gone, ended])
              return await answered(async () => await tool.call(tool.input.parse(args), { client, budget, signal }))
            },
            { grants, version },
          ),
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

/** A client whose requests never leave this process, and bear the key of the caller; jobs that they make say so. */
function clientOf(c: GatewayContext, ask: Ask, keyId: string): CortexClient {
  const { origin } = new URL(c.req.url)
  const host = c.req.header('host')
  const given = (c.env ?? {}) as Record<string, unknown>
  const address = Object.fromEntries(ADDRESS_OF_CALLER.flatMap((name) => (name in given ? [[name, given[name]]] : [])))
  const env = { ...address, [TOOL_KEY]: keyId }
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
