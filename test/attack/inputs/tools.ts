/** What may be sent at the tools for models: messages that are none, arguments of every shape, jobs of others. */

import assert from 'node:assert/strict'
import type { AttackTarget, HostileInput, Tenant } from '../support/inputs.ts'

const VERSION = 'io.modelcontextprotocol/protocolVersion'
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'

interface Sent {
  status: number
  text: string
}

async function send(
  { url }: AttackTarget,
  tenant: Tenant | null,
  body: string,
  headers: Record<string, string> = {},
): Promise<Sent> {
  const response = await fetch(`${url}/mcp`, {
    method: 'POST',
    headers: {
      Accept: 'application/json, text/event-stream',
      'Content-Type': 'application/json',
      ...(tenant === null ? {} : { Authorization: `Bearer ${tenant.key}` }),
      ...headers,
    },
    body,
    signal: AbortSignal.timeout(60_000),
  })
  return { status: response.status, text: await response.text() }
}

function message(method: unknown, params: unknown, id: unknown = 1): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params })
}

function toolCall(name: unknown, args: unknown): string {
  return message('tools/call', { name, arguments: args })
}

function modern(method: string, params: object, meta: object = {}): string {
  return message(method, { ...params, _meta: { [VERSION]: '2026-07-28', [CAPABILITIES]: {}, ...meta } })
}

/** Answered, whatever it is, and never as a fault of the gateway's own. */
const messages: [what: string, body: string, headers?: Record<string, string>][] = [
  ['nothing', ''],
  ['no JSON', '{'],
  ['null', 'null'],
  ['an empty list', '[]'],
  ['an empty object', '{}'],
  [
    '500 messages at once',
    JSON.stringify(Array.from({ length: 500 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'ping' }))),
  ],
  ['no method', message(undefined, {})],
  ['a method that is none', message({ a: 1 }, {})],
  ['a method of every object', message('__proto__', {})],
  ['a method of 100 KB', message('x'.repeat(100_000), {})],
  ['an id that is an object', message('tools/list', {}, { a: 1 })],
  ['an id of 100 KB', message('tools/list', {}, 'x'.repeat(100_000))],
  ['parameters that are text', message('tools/list', 'x')],
  ['a cursor that is none', message('tools/list', { cursor: '\u0000' })],
  ['a progress token that is an object', message('tools/list', { _meta: { progressToken: {} } })],
  ['an answer that nobody asked for', JSON.stringify({ jsonrpc: '2.0', id: 1, result: {} })],
  ['a notification that there is none of', JSON.stringify({ jsonrpc: '2.0', method: 'notifications/nothing' })],
  [
    'a cancellation of what is not there',
    JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 9 } }),
  ],
  ['a revision that there is none of', modern('tools/list', {}, { [VERSION]: '2999-01-01' })],
  ['a revision that is a number', modern('tools/list', {}, { [VERSION]: 5 })],
  ['a header of another revision', message('tools/list', {}), { 'MCP-Protocol-Version': '\u00ff' }],
  [
    'a header of another method',
    modern('tools/list', {}),
    { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'ping' },
  ],
  ['a session that there is none of', message('tools/list', {}), { 'Mcp-Session-Id': 'x'.repeat(4_000) }],
  [
    'a subscription',
    modern('subscriptions/listen', { notifications: { toolsListChanged: true } }),
    { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'subscriptions/listen' },
  ],
  ['a tool of every object', toolCall('constructor', {})],
  ['a tool whose name is a list', toolCall(['run'], {})],
  ['arguments that are none', toolCall('run', null)],
  ['arguments that are a list', toolCall('run', [1, 2])],
  [
    'arguments with a prototype',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"jobs","arguments":{"__proto__":{"limit":9999}}}}',
  ],
  ['arguments as deep as a well', toolCall('run', JSON.parse(`${'{"more":'.repeat(60)}{}${'}'.repeat(60)}`))],
  [
    'arguments that are too deep',
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run","arguments":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`,
  ],
  [
    '1,000 fields that there are none of',
    toolCall('run', Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`f${i}`, i]))),
  ],
  ...['-1', '1e9', 'NaN', '0x10', '99999999999999999999', '1.2345678901', '$5'].map(
    (text): [string, string, Record<string, string>] => [
      `a budget of ${text}`,
      message('tools/list', {}),
      { 'Cortex-Budget': text },
    ],
  ),
]

const paths = [
  '..',
  '/../../etc/shadow',
  '/out/../../etc/shadow',
  '/\u0000',
  '/a\nb',
  `/${'x'.repeat(5_000)}`,
  '',
  'C:\\x',
]
const tools: [name: string, args: object][] = [
  ['job', {}],
  ['logs', {}],
  ['exec', { script: 'id' }],
  ['list_files', { path: '/' }],
  ['read_file', { path: '/etc/passwd' }],
  ['write_file', { path: '/x', content: 'x' }],
  ['cancel', {}],
]

async function fails(target: AttackTarget, tenant: Tenant, name: string, args: object): Promise<void> {
  const { status, text } = await send(target, tenant, toolCall(name, args))
  assert.equal(status, 200, text.slice(0, 200))
  assert.match(text, /"isError":true/)
  assert.doesNotMatch(text, /INTERNAL_ERROR|root:/)
}

export const inputs: HostileInput[] = [
  ...messages.map(
    ([what, body, headers]): HostileInput => ({
      name: `${what} at /mcp`,
      async attempt(target) {
        const { status, text } = await send(target, target.alice, body, headers)
        assert.ok(status < 500, `${status} ${text.slice(0, 200)}`)
        assert.doesNotMatch(text, /INTERNAL_ERROR|node_modules|\.ts:\d/)
        assert.equal((await fetch(`${target.url}/api/health`)).status, 200)
      },
    }),
  ),
  ...tools.map(
    ([name, args]): HostileInput => ({
      name: `${name} of another owner’s job at /mcp`,
      attempt: async (target) => await fails(target, target.bob, name, { job: target.endedJob, ...args }),
    }),
  ),
  ...paths.flatMap((path) =>
    ['read_file', 'list_files'].map(
      (name): HostileInput => ({
        name: `${name} of ${JSON.stringify(path.slice(0, 20))} at /mcp`,
        attempt: async (target) => await fails(target, target.alice, name, { job: target.endedJob, path }),
      }),
    ),
  ),
  {
    name: 'tools without a key, with a wrong one, and from a page elsewhere',
    async attempt(target) {
      assert.equal((await send(target, null, message('tools/list', {}))).status, 401)
      const stranger = { ...target.alice, key: 'ck_wrong' }
      assert.equal((await send(target, stranger, message('tools/list', {}))).status, 401)
      const elsewhere = await send(target, target.alice, message('tools/list', {}), { Origin: 'http://evil.example' })
      assert.equal(elsewhere.status, 403)
    },
  },
]
