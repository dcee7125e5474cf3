import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGatewayApp, type GatewayAppInit } from '../../../gateway/app.ts'
import type { Grant } from '../../../gateway/auth/permissions.ts'
import { openServices, type Services, type ServicesInit } from '../../../gateway/services.ts'
import type { Resolve } from '../../../gateway/webhooks/address-check.ts'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { openTestNode, type TestNode } from './test-node.ts'

export const ADMIN_KEY = 'admin-key-of-this-test'

/** An answer with its envelope taken apart. */
export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  body: any
  // biome-ignore lint/suspicious/noExplicitAny: as above
  data: any
  code: string | undefined
}

export interface TestGateway extends Services, TestNode {
  /** What the gateway takes for now; null is the real time. */
  time: { nowMs: number | null }
  app: ReturnType<typeof createGatewayApp>
  /** Sends a request with a key (the admin's unless another is given; null: none). */
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>
  /** A key for an owner. */
  keyFor(owner: string, grants?: Grant[]): Promise<string>
}

export interface AskOptions {
  key?: string | null
  json?: unknown
  body?: string | Uint8Array<ArrayBuffer>
  headers?: Record<string, string>
}

/** The whole API over a real store, without a socket. */
export async function openTestGateway(
  init: Partial<GatewayAppInit & ServicesInit> = {},
  resolve?: Resolve,
): Promise<TestGateway> {
  const time: TestGateway['time'] = { nowMs: null }
  const folder = await mkdtemp(join(tmpdir(), 'cortex-gateway-'))
  const test = await openTestNode()
  const clock = { ...systemClock, nowMs: () => time.nowMs ?? systemClock.nowMs() }
  const services = await openServices(
    { node: test.node, clock, logger: silentLogger, ...(resolve === undefined ? {} : { resolve }) },
    { folder, adminKey: ADMIN_KEY, ...init },
  )
  const app = createGatewayApp(services, { version: '0.0.0', rateLimits: { enforced: false }, ...init })

  async function ask(method: string, path: string, options: AskOptions = {}): Promise<Answer> {
    const { key = ADMIN_KEY, json, body, headers = {} } = options
    const response = await app.request(path, {
      method,
      headers: {
        ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
        ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(body === undefined ? {} : { body }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') === true
    const parsed = isJson ? JSON.parse(text) : text
    return {
      status: response.status,
      headers: response.headers,
      body: parsed,
      data: parsed.data,
      code: parsed.error?.code,
    }
  }

  return {
    ...services,
    ...test,
    time,
    app,
    ask,
    async keyFor(owner, grants = ['jobs:*', 'providers:read']) {
      return (await services.keys.create({ name: owner, owner, grants, expiresAtMs: null })).text
    },
    async close() {
      await services.streams.stop()
      await services.stop()
      await test.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** Submits a job over the API and answers its id. */
export async function submit(gateway: TestGateway, fields: object = {}, key: string = ADMIN_KEY): Promise<string> {
  const answer = await gateway.ask('POST', '/api/plugin-core/jobs', { key, json: { image: 'busybox', ...fields } })
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  return answer.data.id
}
