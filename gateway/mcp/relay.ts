import type { CallToolResult } from '@modelcontextprotocol/server'
import { createParser } from 'eventsource-parser'
import { formatUsd, type NanoUsd } from '../../protocol/money.ts'
import type { ClientErrorCode } from '../client/index.ts'
import { BUDGET_HEADER, MCP_PATH } from '../contract/address.ts'
import { failed } from './answers.ts'
import { remedyOf } from './remedies.ts'
import type { CallTool } from './server.ts'

/** Where the tools are, and as whom they are called. */
export interface RelayInit {
  /** Of the gateway. */
  gateway: string
  key?: string | undefined
  /** What they may spend in 24 hours. @default what the gateway allows */
  limit?: NanoUsd | undefined
  /** What sends requests. @default the global one */
  fetch?: typeof fetch
}

/** What of an answer is read; a result stands in `result`, what was wrong with the message in `error`. */
interface Message {
  result?: CallToolResult
  error?: { code?: string | number; message?: string }
}

/** Has every call answered by the gateway, so that all programs with a key spend from one budget. */
export function createRelay(init: RelayInit): CallTool {
  const { key, limit } = init
  const url = addressOf(init.gateway)
  const send = init.fetch ?? fetch
  const headers = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
    ...(limit === undefined ? {} : { [BUDGET_HEADER]: formatUsd(limit) }),
  }
  return async ({ name, reads }, args, signal) => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } })
    let message: Message
    try {
      const response = await send(url, { method: 'POST', headers, body, signal })
      message = messageOf(await response.text())
    } catch (error) {
      signal.throwIfAborted()
      const why = error instanceof SyntaxError ? 'What answers there is no gateway with tools' : 'It cannot be reached'
      return failed({
        code: error instanceof SyntaxError ? 'UNEXPECTED_ANSWER' : 'CONNECTION_FAILED',
        message: `${why}: ${url.origin}`,
        remedy: reads ? 'Call again.' : 'It may have been done: look with jobs before you call again.',
      })
    }
    if (message.result !== undefined) return message.result
    const { code, message: text = 'The gateway refused the call' } = message.error ?? {}
    if (typeof code !== 'string') return failed({ code: 'INTERNAL_ERROR', message: text.slice(0, 2_000) })
    return failed({ code, message: text.slice(0, 2_000), remedy: remedyOf(code as ClientErrorCode) })
  }
}

/** @throws {TypeError} where it is no address */
function addressOf(gateway: string): URL {
  const url = new URL(gateway)
  const below = url.pathname.replace(/\/+$/, '').replace(/\/api(?:\/v\d+)?$/, '')
  return new URL(`${url.origin}${below}${MCP_PATH}`)
}

/** The answer, as it is or as the last event of a stream. @throws {SyntaxError} */
function messageOf(text: string): Message {
  if (text.trimStart().startsWith('{')) return JSON.parse(text) as Message
  let last = ''
  createParser({
    onEvent: ({ data }) => {
      last = data
    },
  }).feed(text)
  return JSON.parse(last) as Message
}
