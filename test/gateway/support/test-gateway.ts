import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type GatewayApp, type GatewayAppInit, openGatewayApp } from '../../../gateway/app.ts'
import type { Grant } from '../../../gateway/contract/permissions.ts'
import { type Database, openTable } from '../../../gateway/records/table.ts'
import type { TemplateRecord } from '../../../gateway/templates/template-table.ts'
import type { Resolve } from '../../../gateway/webhooks/address-check.ts'
import { type Clock, systemClock } from '../../../node/clock.ts'
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

/** What the features hold, by name, for tests that look behind the API. */
function insideOf({ db, features, adminKey, streams, stillToRun }: GatewayApp) {
  const { auth, providers, webhooks, schedules, batches, metrics } = features
  const { keys, sessions, tokens } = auth
  const { providerLog, providerSamples } = providers
  const { dispatcher, pump, watch } = webhooks
  return {
    ...{ db, streams, adminKey, keys, sessions, tokens, providerLog, providerSamples, dispatcher, pump, watch },
    ...{ webhooks: webhooks.webhooks, schedules: schedules.schedules, scheduler: schedules.scheduler },
    ...{ stillToRun, batchGoesOn: batches.goesOn },
    ...{ batches: batches.batches, batchRunner: batches.batchRunner, jobMetrics: metrics.jobMetrics },
    records: recordsOf(db),
  }
}

function recordsOf(db: Database) {
  return {
    keys: openTable<object>(db, 'keys'),
    templates: openTable<TemplateRecord>(db, 'templates'),
    webhooks: openTable<object>(db, 'webhooks'),
    providerDays: openTable<object[]>(db, 'provider-days'),
  }
}

export interface TestGateway extends ReturnType<typeof insideOf>, TestNode {
  /** The gateway's, of records and keys. */
  folder: string
  clock: Clock
  /** What the gateway takes for now; null is the real time. */
  time: { nowMs: number | null }
  app: GatewayApp['app']
  start: GatewayApp['start']
  letGo: GatewayApp['letGo']
  stop: GatewayApp['stop']
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
export async function openTestGateway(init: Partial<GatewayAppInit> = {}, resolve?: Resolve): Promise<TestGateway> {
  const time: TestGateway['time'] = { nowMs: null }
  const folder = await mkdtemp(join(tmpdir(), 'cortex-gateway-'))
  const test = await openTestNode()
  const clock = { ...systemClock, nowMs: () => time.nowMs ?? systemClock.nowMs() }
  const opened = await openGatewayApp(
    { node: test.node, clock, logger: silentLogger, resolve },
    { folder, adminKey: ADMIN_KEY, version: '0.0.0', rateLimits: { enforced: false }, ...init },
  )
  const { app, start, letGo, stop } = opened
  const inside = insideOf(opened)

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
    ...inside,
    ...test,
    ...{ folder, clock, time, app, start, letGo, stop },
    ask,
    async keyFor(owner, grants = ['jobs:*', 'providers:read']) {
      return (await inside.keys.create({ name: owner, owner, grants, expiresAtMs: null })).text
    },
    async close() {
      await letGo()
      await stop()
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
