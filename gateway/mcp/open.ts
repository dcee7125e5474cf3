import type { Revocation } from '../auth/index.ts'
import { MCP_PATH } from '../contract/address.ts'
import type { Ask } from '../events/index.ts'
import type { GatewayContext } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Feature } from '../http/feature.ts'
import { createShares } from '../http/shares.ts'
import { callerOf } from './caller.ts'
import type { HandlerComponents } from './handler.ts'

/** Calls of tools that are under way at a time: some wait for most of a minute. */
const MAX_CALLS = { key: 32, owner: 64, address: 128, all: 256 } as const

/** What {@link openMcp} works with. */
export interface McpComponents extends HandlerComponents {
  /** Asks the API as the caller itself would: keys, permissions, checks, limits and the audit hold for each tool. */
  ask: Ask
  revocation: Revocation
}

/**
 * `/mcp`: tools for language models, by the Model Context Protocol over streamable HTTP, without sessions. See
 * docs/decisions/0101-tools-for-models.md.
 * @param init.version of this program
 * @param init.origins of web pages elsewhere that may use the API
 */
export function openMcp(
  { ask, revocation, store, clock, logger }: McpComponents,
  { version, origins }: { version: string; origins: readonly string[] },
): Feature {
  const shares = createShares('calls of tools', MAX_CALLS)
  const stopping = new AbortController()
  // Loaded when somebody asks: most gateways start without.
  let handler: ReturnType<typeof load> | undefined
  const load = async () => (await import('./handler.ts')).createHandler({ store, clock, logger }, { version })

  async function answer(c: GatewayContext): Promise<Response> {
    const principal = callerOf(c, origins)
    const body: unknown = await bodyOf(c)
    const release = shares.take(c, principal)
    const ended = new AbortController()
    const unwatch = revocation.watch(principal, () => ended.abort())
    const over = (): void => {
      release()
      unwatch()
    }
    try {
      handler ??= load()
      const signal = AbortSignal.any([ended.signal, stopping.signal])
      const response = await (await handler).answer(c, { principal, body, signal, ask })
      return untilRead(response, over)
    } catch (error) {
      over()
      throw error
    }
  }

  return {
    rootRoutes(app) {
      app.post(MCP_PATH, answer)
      app.on(['GET', 'DELETE'], MCP_PATH, (c) => {
        callerOf(c, origins)
        return c.body(null, 405, { Allow: 'POST' })
      })
    },
    letGo: () => stopping.abort(),
  }
}

/** @throws {GatewayError} */
async function bodyOf(c: GatewayContext): Promise<unknown> {
  const body: unknown = await c.req.json().catch(() => {
    throw new GatewayError('VALIDATION_ERROR', 'The body is not JSON: send one message of JSON-RPC')
  })
  // A list of messages was possible until 2025; one request of it would be many here.
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body
  throw new GatewayError('VALIDATION_ERROR', 'Send one message of JSON-RPC with each request')
}

/** The same answer, which says once its body has been read or nobody reads on. */
function untilRead(response: Response, over: () => void): Response {
  const { body, status, headers } = response
  if (body === null) {
    over()
    return response
  }
  const reader = body.getReader()
  const watched = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (!done) return controller.enqueue(value)
        over()
        controller.close()
      } catch (error) {
        over()
        controller.error(error)
      }
    },
    async cancel(reason) {
      over()
      await reader.cancel(reason)
    },
  })
  return new Response(watched, { status, headers })
}
