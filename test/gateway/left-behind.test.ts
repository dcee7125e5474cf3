/** What a key leaves behind: webhooks and schedules end with it, and say why. */

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Grant } from '../../gateway/contract/permissions.ts'
import { until } from '../support/until.ts'
import { openReceiver, type Receiver } from './support/receiver.ts'
import { openTestGateway, submit, type TestGateway } from './support/test-gateway.ts'

const SCHEDULES = '/api/plugin-core/jobs/schedules'
const WEBHOOKS = '/api/plugin-core/webhooks'
const START = Date.parse('2026-01-01T00:00:30Z')
let gateway: TestGateway
let receiver: Receiver

beforeEach(async () => {
  receiver = await openReceiver()
  gateway = await openTestGateway({ allowPrivateWebhooks: true })
  gateway.time.nowMs = START
})
afterEach(async () => {
  await gateway.close()
  await receiver.close()
})

async function makeKey(fields: object = {}): Promise<{ id: string; key: string }> {
  const json = { name: 'K', owner: 'alice', permissions: ['jobs:*', 'webhooks:*'], ...fields }
  return (await gateway.ask('POST', '/api/auth/keys', { json })).data
}

async function makeBoth(key: string): Promise<{ webhook: string; schedule: string }> {
  const hook = { url: receiver.url, events: ['job.created'] }
  const webhook = await gateway.ask('POST', WEBHOOKS, { key, json: hook })
  const json = { name: 'S', schedule: '* * * * *', config: { image: 'busybox' } }
  const schedule = await gateway.ask('POST', SCHEDULES, { key, json })
  assert.deepEqual([webhook.status, schedule.status], [201, 201], JSON.stringify([webhook.body, schedule.body]))
  return { webhook: webhook.data.id, schedule: schedule.data.id }
}

const told = (): { type: string; job: string }[] =>
  receiver.received.map(({ text }) => {
    const { type, data } = JSON.parse(text)
    return { type, job: data.job.id }
  })
const read = async (path: string, key?: string) =>
  (await gateway.ask('GET', path, key === undefined ? {} : { key })).data
const jobs = async (): Promise<number> => (await gateway.store.list({ owner: 'alice', limit: 100 })).jobs.length

async function tickAt(iso: string): Promise<void> {
  gateway.time.nowMs = Date.parse(iso)
  await gateway.scheduler.tick()
}

describe('what a key leaves behind', () => {
  const ENDS: [how: string, fields: object, end: (id: string) => Promise<unknown>][] = [
    ['is revoked', {}, async (id) => await gateway.ask('DELETE', `/api/auth/keys/${id}`)],
    [
      'expires',
      { expiresAt: '2026-01-01T00:02:30Z' },
      async () => {
        gateway.time.nowMs = Date.parse('2026-01-01T00:02:31Z')
      },
    ],
  ]
  for (const [how, fields, end] of ENDS) {
    it(`ends when the key ${how}, says why, and is in the audit log`, async () => {
      const { id, key } = await makeKey(fields)
      const { webhook, schedule } = await makeBoth(key)
      await gateway.start()
      await tickAt('2026-01-01T00:01:00Z')
      assert.equal(await jobs(), 1)
      await until(() => told().length === 1)
      await end(id)
      const other = await gateway.keyFor('alice', ['jobs:*', 'webhooks:*'])
      await submit(gateway, {}, other)
      await tickAt('2026-01-01T00:03:00Z')
      assert.equal(await jobs(), 2, 'the one that was submitted by hand')
      for (const path of [`${WEBHOOKS}/${webhook}`, `${SCHEDULES}/${schedule}`]) {
        const { enabled, disabledReason } = await read(path, other)
        assert.equal(enabled, false)
        assert.match(disabledReason, new RegExp(`${id}.*revoked or has expired`))
      }
      const noted = async () =>
        (await read('/api/system/audit')).flatMap(({ method, keyId, path }: Record<string, string>) =>
          method === 'DISABLE' ? [`${keyId} ${path}`] : [],
        )
      await until(async () => (await noted()).length === 2)
      assert.deepEqual((await noted()).toSorted(), [
        `${id} /plugin-core/jobs/schedules/${schedule}`,
        `${id} /plugin-core/webhooks/${webhook}`,
      ])
      // Whatever still waited is told to nobody: a webhook that is told of the last job was told of all before it.
      await gateway.ask('POST', WEBHOOKS, { key: other, json: { url: receiver.url, events: ['job.status.changed'] } })
      const last = await submit(gateway, {}, other)
      await until(() => told().some(({ job }) => job === last))
      assert.equal(told().filter(({ type }) => type === 'job.created').length, 1)
    })
  }

  it('goes on behind the key that enables it again', async () => {
    const { id, key } = await makeKey()
    const { webhook, schedule } = await makeBoth(key)
    await gateway.ask('DELETE', `/api/auth/keys/${id}`)
    const other = await gateway.keyFor('alice', ['jobs:*', 'webhooks:*'])
    const hook = await gateway.ask('PUT', `${WEBHOOKS}/${webhook}`, { key: other, json: { enabled: true } })
    const resumed = await gateway.ask('POST', `${SCHEDULES}/${schedule}/resume`, { key: other })
    assert.deepEqual([hook.data.enabled, hook.data.disabledReason], [true, null])
    assert.deepEqual([resumed.data.enabled, resumed.data.disabledReason], [true, null])
    await tickAt('2026-01-01T00:01:00Z')
    assert.equal(await jobs(), 1)
  })

  it('does not become an admin’s who changes it for its owner', async () => {
    const { id, key } = await makeKey()
    const { webhook } = await makeBoth(key)
    await gateway.ask('PUT', `${WEBHOOKS}/${webhook}`, { json: { name: 'helped' } })
    await gateway.ask('DELETE', `/api/auth/keys/${id}`)
    assert.equal((await read(`${WEBHOOKS}/${webhook}`)).enabled, false)
  })
})

describe('a webhook', () => {
  it('is told only what its key may read', async () => {
    for (const [events, grants, lacks] of [
      [['job.created'], ['webhooks:*'], 'jobs:read'],
      [['job.cost.threshold', 'system.alert'], ['webhooks:*', 'jobs:write'], 'jobs:read'],
      [['provider.added'], ['webhooks:*', 'jobs:*'], 'providers:read'],
    ] as [string[], Grant[], string][]) {
      const key = await gateway.keyFor('alice', grants)
      const made = await gateway.ask('POST', WEBHOOKS, { key, json: { url: receiver.url, events } })
      assert.deepEqual([made.code, made.body.error?.details], ['FORBIDDEN', { permission: lacks }])
    }
    const poor = await gateway.keyFor('alice', ['webhooks:*'])
    const rich = await gateway.keyFor('alice', ['webhooks:*', 'jobs:read'])
    const hook = { url: receiver.url, events: ['job.created'] }
    const { id } = (await gateway.ask('POST', WEBHOOKS, { key: rich, json: hook })).data
    const turned = await gateway.ask('PUT', `${WEBHOOKS}/${id}`, { key: poor, json: { name: 'mine' } })
    assert.equal(turned.code, 'FORBIDDEN')
  })

  it('that an admin made hears of one owner only once a lesser key of the same owner changed it', async () => {
    const hook = { url: receiver.url, events: ['job.created'] }
    const { id } = (await gateway.ask('POST', WEBHOOKS, { json: hook })).data
    const lesser = await gateway.keyFor('admin', ['webhooks:*', 'jobs:read'])
    await gateway.ask('PUT', `${WEBHOOKS}/${id}`, { key: lesser, json: { name: 'mine' } })
    assert.deepEqual(await Array.fromAsync(gateway.webhooks.hearing('alice')), [])
  })
})

describe('schedules of one owner', () => {
  it('make as many jobs a minute as a key may ask, and say which ticks were too many', async () => {
    await gateway.close()
    gateway = await openTestGateway({ rateLimits: { perMinute: 20 } })
    gateway.time.nowMs = START
    const key = await gateway.keyFor('alice')
    const json = { name: 'S', schedule: '* * * * * *', config: { image: 'busybox' } }
    const ids = []
    for (let i = 0; i < 8; i += 1) ids.push((await gateway.ask('POST', SCHEDULES, { key, json })).data.id)
    for (let second = 31; second < 35; second += 1) await tickAt(`2026-01-01T00:00:${second}Z`)
    assert.equal(await jobs(), 20)
    const runs = (await Promise.all(ids.map(async (id) => (await read(`${SCHEDULES}/${id}`)).lastRuns))).flat()
    const skipped = runs.filter(({ outcome }) => outcome === 'skipped')
    assert.equal(skipped.length, 12)
    assert.match(skipped[0].reason, /20 jobs a minute/)
  })
})

describe('the keys of one owner', () => {
  it('ask five times what one may, together', async () => {
    await gateway.close()
    gateway = await openTestGateway({ rateLimits: { perMinute: 3 } })
    const statuses = []
    for (let i = 0; i < 6; i += 1) {
      const key = await gateway.keyFor('alice')
      for (let j = 0; j < 3; j += 1) statuses.push((await gateway.ask('GET', '/api/plugin-core/jobs', { key })).status)
    }
    assert.deepEqual(statuses, [...Array(15).fill(200), 429, 429, 429])
    assert.equal((await gateway.ask('GET', '/api/plugin-core/jobs', { key: await gateway.keyFor('bob') })).status, 200)
  })
})
