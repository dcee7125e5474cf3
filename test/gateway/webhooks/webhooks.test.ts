import assert from 'node:assert/strict'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { pageSchema, successSchema } from '../../../gateway/contract/envelope.ts'
import { deliveryDetailsSchema, deliverySchema, webhookSchema } from '../../../gateway/contract/webhooks.ts'
import { systemResolve } from '../../../gateway/webhooks/address-check.ts'
import { RETRY_DELAYS_MS } from '../../../gateway/webhooks/delivery.ts'
import { createDispatcher } from '../../../gateway/webhooks/dispatcher.ts'
import { createSender } from '../../../gateway/webhooks/send.ts'
import { createAlerts } from '../../../gateway/webhooks/watch.ts'
import { systemClock } from '../../../node/clock.ts'
import type { Directory } from '../../../node/directory/index.ts'
import { silentLogger } from '../../../node/logger.ts'
import { createSecretBox, loadMasterKey } from '../../../node/store/secret-box.ts'
import { until } from '../../support/until.ts'
import { openReceiver, type Receiver } from '../support/receiver.ts'
import { type Answer, openTestGateway, submit, type TestGateway } from '../support/test-gateway.ts'

const WEBHOOKS = '/api/plugin-core/webhooks'
const SECRET = 'a-secret-of-mine'
let gateway: TestGateway
let receiver: Receiver

async function make(fields: object = {}, key?: string): Promise<string> {
  const json = { url: receiver.url, events: ['job.created'], secret: SECRET, ...fields }
  const answer = await gateway.ask('POST', WEBHOOKS, { json, ...(key === undefined ? {} : { key }) })
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  return answer.data.id
}

async function history(id: string, query = ''): Promise<Answer> {
  const answer = await gateway.ask('GET', `${WEBHOOKS}/${id}/history${query}`)
  if (answer.status === 200) pageSchema(deliverySchema).parse(answer.body)
  return answer
}

async function statuses(id: string): Promise<string[]> {
  return (await history(id)).data.map(({ status }: { status: string }) => status)
}

/** Stats are counted after the delivery is kept. */
async function assertStats(
  id: string,
  expected: { delivered: number; failed: number; retried: number },
): Promise<void> {
  const stats = async () => (await gateway.ask('GET', `${WEBHOOKS}/${id}`)).data.stats
  await until(async () => (await stats()).delivered === expected.delivered)
  assert.deepEqual(await stats(), expected)
}

/** As the contract tells receivers to check it. */
function verify(text: string, header: string, secret: string): boolean {
  const { t = '', v1 = '' } = Object.fromEntries(header.split(',').map((part) => part.split('=')))
  const expected = createHmac('sha256', secret).update(`${t}.${text}`).digest('hex')
  return timingSafeEqual(Buffer.from(v1), Buffer.from(expected))
}

/** Gives each test of a group a receiver and a gateway of its own. */
function withReceiver(): void {
  beforeEach(async () => {
    receiver = await openReceiver()
    gateway = await openTestGateway({ allowPrivateWebhooks: true })
  })
  afterEach(async () => {
    await gateway.close()
    await receiver.close()
  })
}

describe('webhooks', () => {
  withReceiver()

  it('are made, shown without their secret, changed and deleted', async () => {
    const id = await make({ name: 'Mine' })
    const answer = await gateway.ask('GET', `${WEBHOOKS}/${id}`)
    const { data } = successSchema(webhookSchema).parse(answer.body)
    assert.match(data.secret ?? '', /^sha256:[0-9a-f]{16}$/)
    assert.deepEqual([data.name, data.enabled, data.lastTriggered, data.deliveryHistory], ['Mine', true, null, []])
    assert.doesNotMatch(JSON.stringify(await gateway.records.webhooks.get(id)), new RegExp(SECRET))
    const changed = await gateway.ask('PUT', `${WEBHOOKS}/${id}`, { json: { enabled: false, secret: null } })
    assert.deepEqual([changed.data.enabled, changed.data.secret, changed.data.name], [false, null, 'Mine'])
    const removed = await gateway.ask('DELETE', `${WEBHOOKS}/${id}`)
    assert.deepEqual([removed.status, removed.data.message], [200, 'Webhook successfully deleted'])
    const gone = await gateway.ask('GET', `${WEBHOOKS}/${id}`)
    assert.deepEqual([gone.status, gone.code], [404, 'WEBHOOK_NOT_FOUND'])
  })

  it('of the same URL and events are refused', async () => {
    const id = await make({ events: ['job.failed', 'job.created'] })
    const json = { url: receiver.url, events: ['job.created', 'job.failed', 'job.created'] }
    const twice = await gateway.ask('POST', WEBHOOKS, { json })
    assert.deepEqual([twice.status, twice.code, twice.body.error.details.id], [409, 'DUPLICATE_WEBHOOK', id])
    const other = await make({ events: ['job.failed'] })
    const into = await gateway.ask('PUT', `${WEBHOOKS}/${other}`, { json: { events: json.events } })
    assert.deepEqual([into.status, into.code], [409, 'DUPLICATE_WEBHOOK'])
  })

  it('deliver what they asked for, signed over the bytes, in order', async () => {
    const id = await make({ events: ['job.created', 'job.started', 'job.completed', 'job.status.changed'] })
    await gateway.start()
    const jobId = await submit(gateway)
    await gateway.play.start(jobId)
    await gateway.play.complete(jobId)
    await receiver.count(7)
    const bodies = receiver.received.map(({ text }) => JSON.parse(text))
    assert.deepEqual(
      bodies.map(({ type }) => type),
      [
        'job.created',
        'job.status.changed',
        'job.status.changed',
        'job.started',
        'job.status.changed',
        'job.completed',
        'job.status.changed',
      ],
    )
    for (const { text, headers } of receiver.received) {
      assert.ok(verify(text, String(headers['x-cortex-signature']), SECRET))
      assert.equal(JSON.stringify(JSON.parse(text)), text)
    }
    assert.match(bodies[0].id, /^evt_/)
    assert.equal(bodies.at(-1).data.job.id, jobId)
    await until(async () => (await statuses(id)).every((status) => status === 'delivered'))
    await assertStats(id, { delivered: 7, failed: 0, retried: 0 })
  })

  it('hear of their own owner’s jobs only, an admin’s of all', async () => {
    const alice = await gateway.keyFor('alice', ['jobs:*', 'webhooks:*'])
    const bob = await gateway.keyFor('bob', ['jobs:*', 'webhooks:*'])
    const [hers, his, all] = [await make({}, alice), await make({}, bob), await make()]
    await gateway.start()
    await submit(gateway, {}, alice)
    await until(async () => (await statuses(all)).length === 1 && (await statuses(hers)).length === 1)
    assert.deepEqual(await statuses(his), [])
    for (const path of ['', '/history', '/test']) {
      const method = path === '/test' ? 'POST' : 'GET'
      const answer = await gateway.ask(method, `${WEBHOOKS}/${hers}${path}`, { key: bob })
      assert.deepEqual([answer.status, answer.code], [404, 'WEBHOOK_NOT_FOUND'], path)
    }
  })

  it('try again by the table, and fail for good at its end', async () => {
    receiver.answer(500)
    gateway.time.nowMs = Date.parse('2026-01-01T00:00:00Z')
    const id = await make()
    await gateway.start()
    await submit(gateway)
    await receiver.count(1)
    for (const [tries, delayMs] of RETRY_DELAYS_MS.entries()) {
      await until(async () => (await history(id)).data.at(-1).attempts === tries + 1)
      const { nextAttempt, status } = (await history(id)).data.at(-1)
      assert.deepEqual([status, Date.parse(nextAttempt) - gateway.time.nowMs], ['retrying', delayMs])
      gateway.time.nowMs += delayMs - 1
      gateway.dispatcher.wake(id)
      gateway.time.nowMs += 1
      gateway.dispatcher.wake(id)
      await receiver.count(tries + 2)
    }
    await until(async () => (await statuses(id)).at(-1) === 'failed')
    const firstBody = receiver.received[0]?.text
    assert.ok(receiver.received.every(({ text }) => text === firstBody))
    await assertStats(id, { delivered: 0, failed: 1, retried: 5 })
  })

  it('that hang do not delay others', async () => {
    const slow = await openReceiver()
    try {
      slow.answer('hang')
      await make({ url: slow.url })
      await make()
      await gateway.start()
      for (let i = 0; i < 5; i += 1) await submit(gateway)
      await receiver.count(5)
      assert.ok(slow.received.length <= 1)
    } finally {
      await slow.close()
    }
  })

  it('get every event once queued, also what happened while the gateway was down', async () => {
    const id = await make()
    await gateway.pump.begin()
    const stop = new AbortController()
    const first = gateway.pump.pumpJobs(stop.signal)
    await submit(gateway)
    await until(async () => (await statuses(id)).length === 1)
    stop.abort()
    await first
    await submit(gateway)
    await submit(gateway)
    const again = new AbortController()
    const second = gateway.pump.pumpJobs(again.signal)
    await until(async () => (await statuses(id)).length === 3)
    again.abort()
    await second
    const { clock, webhooks } = gateway
    const secretBox = createSecretBox(await loadMasterKey(gateway.folder))
    const send = createSender({ clock, resolve: systemResolve }, { allowPrivate: true })
    const dispatcher = createDispatcher({ webhooks, secretBox, send, clock, logger: silentLogger })
    await dispatcher.start()
    await receiver.count(3)
    await dispatcher.stop()
    const ids = receiver.received.map(({ text }) => JSON.parse(text).id)
    assert.deepEqual(ids, ids.toSorted())
  })

  it('can be tested at once, and retried by hand', async () => {
    const id = await make()
    const tested = await gateway.ask('POST', `${WEBHOOKS}/${id}/test`, { json: { eventType: 'provider.added' } })
    assert.deepEqual([tested.data.delivered, tested.data.statusCode], [true, 200])
    assert.equal(JSON.parse(receiver.received[0]?.text ?? '').type, 'provider.added')
    receiver.answer(500)
    await gateway.start()
    await submit(gateway)
    await until(async () => (await history(id)).data[0]?.attempts === 1)
    const delivery = (await history(id, '?status=retrying')).data[0].id
    receiver.answer(200)
    const retried = await gateway.ask('POST', `${WEBHOOKS}/${id}/history/${delivery}/retry`)
    assert.deepEqual([retried.status, retried.data.status], [200, 'retrying'])
    await until(async () => (await statuses(id))[0] === 'delivered')
    assert.equal((await history(id, '?status=failed')).body.meta.pagination.total, 0)
    assert.equal((await history(id, '?from=2100-01-01')).body.meta.pagination.total, 0)
    const none = await gateway.ask('POST', `${WEBHOOKS}/${id}/history/delivery_x/retry`)
    assert.deepEqual([none.status, none.code], [404, 'DELIVERY_NOT_FOUND'])
  })

  it('show what was sent, its signature hidden, to who may read of the event itself', async () => {
    const id = await make()
    await gateway.start()
    const jobId = await submit(gateway)
    await until(async () => (await statuses(id))[0] === 'delivered')
    const path = `${WEBHOOKS}/${id}/history/${(await history(id)).data[0].id}`
    const { data } = successSchema(deliveryDetailsSchema).parse((await gateway.ask('GET', path)).body)
    assert.equal(data.request.body, receiver.received[0]?.text)
    assert.deepEqual(
      [data.request.bodyBytes, JSON.parse(data.request.body).data.job.id],
      [Buffer.byteLength(data.request.body), jobId],
    )
    const { headers } = receiver.received[0] ?? {}
    for (const [name, value] of Object.entries(data.request.headers)) {
      if (name === 'X-Cortex-Signature') assert.doesNotMatch(value, /[0-9]{2}/)
      else assert.equal(headers?.[name.toLowerCase()], value, name)
    }
    for (const permissions of [['webhooks:*'], ['webhooks:*', 'jobs:read']] as const) {
      const key = await gateway.keyFor('admin', [...permissions])
      const refused = await gateway.ask('GET', path, { key })
      assert.deepEqual([refused.status, refused.code], [403, 'FORBIDDEN'], permissions.join())
    }
    const none = await gateway.ask('GET', `${WEBHOOKS}/${id}/history/delivery_x`)
    assert.deepEqual([none.status, none.code], [404, 'DELIVERY_NOT_FOUND'])
  })

  it('say how many of the last hundred that ended arrived', async () => {
    const id = await make()
    const recent = async () => (await gateway.ask('GET', `${WEBHOOKS}/${id}`)).data.recent
    assert.deepEqual(await recent(), { delivered: 0, failed: 0 })
    await gateway.webhooks.update(id, () => ({ recent: Array<boolean>(99).fill(false) }))
    await gateway.start()
    await submit(gateway)
    await until(async () => (await recent()).delivered === 1)
    await submit(gateway)
    await until(async () => (await recent()).delivered === 2)
    assert.deepEqual(await recent(), { delivered: 2, failed: 98 })
  })

  it('tell of providers that come, change and go', async () => {
    await make({
      events: ['provider.added', 'provider.status.changed', 'provider.pricing.changed', 'provider.removed'],
    })
    const [provider] = gateway.providers
    assert.ok(provider)
    await gateway.start()
    const change = (fields: object) => {
      Object.assign(provider, fields)
      gateway.tellDirectory(provider)
    }
    change({ status: 'offline' })
    change({ prices: { ...provider.prices, cpuPerCoreHour: 1n } })
    gateway.providers.length = 0
    gateway.tellDirectory(provider)
    await receiver.count(3)
    assert.deepEqual(
      receiver.received.map(({ text }) => JSON.parse(text).type),
      ['provider.status.changed', 'provider.pricing.changed', 'provider.removed'],
    )
    assert.equal(JSON.parse(receiver.received[0]?.text ?? '').data.provider.status, 'offline')
  })
})

describe('webhooks of costs', () => {
  withReceiver()

  /** A job at a cent an hour that has run so far. */
  async function running(hours: number): Promise<string> {
    const id = await submit(gateway, { duration: 36_000, stopGraceSeconds: 0 })
    await gateway.play.start(id, { meteredMs: hours * 3_600_000 })
    return id
  }

  it('hear once of each job that passes the threshold: their own, or four fifths of what it may cost', async () => {
    const types = { events: ['job.cost.threshold'] }
    await make({ ...types, costThreshold: 0.05, name: 'five cents' })
    await make({ ...types, name: 'four fifths', events: ['job.cost.threshold', 'system.alert'] })
    await gateway.start()
    await running(4)
    const middling = await running(6)
    const dear = await running(9)
    for (let i = 0; i < 3; i += 1) await gateway.watch.checkCosts()
    await receiver.count(3)
    const told = receiver.received.map(({ text }) => JSON.parse(text))
    assert.deepEqual(
      told.map(({ data }) => [data.job.id, data.threshold]).toSorted(),
      [
        [middling, 0.05],
        [dear, 0.05],
        [dear, 0.08],
      ].toSorted(),
    )
  })

  it('hear of a job that has ended before anybody looked', async () => {
    await make({ events: ['job.cost.threshold'], costThreshold: 0.01 })
    await gateway.start()
    const id = await running(2)
    await gateway.play.complete(id, { meteredMs: 2 * 3_600_000 })
    await receiver.count(1)
    const { type, data } = JSON.parse(receiver.received[0]?.text ?? '')
    assert.deepEqual([type, data.job.id, data.job.status], ['job.cost.threshold', id, 'completed'])
  })
})

describe('alerts', () => {
  it('tell once of what is wrong for a minute, and once when it is over', () => {
    let nowMs = 0
    let problem: string | null = 'the disk is full'
    const clock = { ...systemClock, monotonicMs: () => nowMs, nowMs: () => 1_700_000_000_000 + nowMs }
    const directory = { list: () => [{ status: 'online' }] } as unknown as Directory
    const alerts = createAlerts({ store: { problem: () => problem }, directory, clock })
    const states = () => alerts.look().map(({ alert }) => [alert.code, alert.state])
    assert.deepEqual(states(), [])
    nowMs = 59_000
    assert.deepEqual(states(), [])
    nowMs = 61_000
    assert.deepEqual(states(), [['STORE_UNWRITABLE', 'raised']])
    assert.deepEqual(states(), [])
    problem = null
    assert.deepEqual(states(), [['STORE_UNWRITABLE', 'resolved']])
    assert.deepEqual(states(), [])
  })

  it('are silent about what is over within a minute', () => {
    let nowMs = 0
    let online = 0
    const clock = { ...systemClock, monotonicMs: () => nowMs }
    const directory = {
      list: () => Array.from({ length: online }, () => ({ status: 'online' })),
    } as unknown as Directory
    const alerts = createAlerts({ store: { problem: () => null }, directory, clock })
    alerts.look()
    online = 1
    nowMs = 61_000
    assert.deepEqual(alerts.look(), [])
    online = 0
    alerts.look()
    nowMs = 122_000
    assert.deepEqual(
      alerts.look().map(({ alert }) => alert.code),
      ['NO_PROVIDER'],
    )
  })
})
