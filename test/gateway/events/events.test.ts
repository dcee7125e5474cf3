import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { until } from '../../support/until.ts'
import { type ReadEvent, readEvents } from '../support/sse-reader.ts'
import { openTestGateway, submit, type TestGateway } from '../support/test-gateway.ts'

const EVENTS = '/api/plugin-core/events'
let gateway: TestGateway

async function stream(key: string, query = '', lastEventId?: string): Promise<AsyncGenerator<ReadEvent>> {
  const headers = {
    Authorization: `Bearer ${key}`,
    Accept: 'text/event-stream',
    ...(lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }),
  }
  return readEvents(await gateway.app.request(`${EVENTS}${query}`, { headers }))
}

async function take(events: AsyncIterator<ReadEvent>, count: number): Promise<ReadEvent[]> {
  const taken: ReadEvent[] = []
  while (taken.length < count) taken.push((await events.next()).value)
  return taken
}

const types = (events: ReadEvent[]) => events.map(({ data }) => data.type)

describe('the stream of events', () => {
  let admin: string
  beforeEach(async () => {
    gateway = await openTestGateway()
    admin = gateway.adminKey.text
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('tells what happens to jobs and providers, and goes on where a client was', async () => {
    await gateway.start()
    await until(() => gateway.providerLog.end() === 1)
    const events = await stream(admin)
    const id = await submit(gateway)
    await gateway.play.start(id)
    const first = await take(events, 3)
    assert.deepEqual(types(first), ['job.created', 'job.scheduled', 'job.started'])
    assert.deepEqual([first[0]?.id, first[0]?.data.data.job.id], ['1-1', id])
    await events.return(undefined)
    const [provider] = gateway.providers
    assert.ok(provider)
    provider.status = 'degraded'
    gateway.tellDirectory(provider)
    await until(() => gateway.providerLog.end() === 2)
    await gateway.play.complete(id)
    const resumed = await stream(admin, '', first[1]?.id)
    assert.deepEqual(types(await take(resumed, 3)).toSorted(), [
      'job.completed',
      'job.started',
      'provider.status.changed',
    ])
    await resumed.return(undefined)
  })

  it('ends with the key behind it: at once where it is revoked, and when it expires', async () => {
    const { key, text } = await gateway.keys.create({
      name: 'short',
      owner: 'alice',
      grants: ['jobs:*'],
      expiresAtMs: Date.now() + 60_000,
    })
    const revoked = await gateway.keyFor('alice')
    const ends = await Promise.all([stream(revoked), stream(text)])
    for (const events of ends) {
      const next = events.next()
      await submit(gateway, {}, text)
      assert.equal((await next).value.data.type, 'job.created')
    }
    await ends[0].next() // the second job
    const over = ends[0].next()
    assert.equal(await gateway.keys.revoke(gateway.keys.authenticate(revoked)?.id ?? ''), true)
    assert.equal((await over).done, true)

    gateway.time.nowMs = key.expiresAtMs
    const untold = await submit(gateway, {}, await gateway.keyFor('alice'))
    for await (const { data } of ends[1]) assert.notEqual(data.data.job.id, untold)
  })

  it('is filtered by type, owner and permission', async () => {
    const alice = await gateway.keyFor('alice', ['jobs:*'])
    const hers = await stream(alice)
    const started = await stream(admin, '?types=job.started,provider.added')
    const other = await submit(gateway)
    const own = await submit(gateway, {}, alice)
    await gateway.play.start(own)
    await gateway.start()
    assert.deepEqual(types(await take(hers, 3)), ['job.created', 'job.scheduled', 'job.started'])
    assert.deepEqual(types(await take(started, 2)), ['job.started', 'provider.added'])
    const json = await gateway.ask('GET', EVENTS, { key: alice })
    assert.ok(json.data.events.every(({ data }: { data: { job: { id: string } } }) => data.job.id === own))
    assert.doesNotMatch(JSON.stringify(json.body), new RegExp(other))
    await hers.return(undefined)
    await started.return(undefined)
  })

  it('goes on from its end for who was further: the store may have been put back to a backup', async () => {
    await submit(gateway)
    const end = gateway.store.feedEnd()
    const first = await gateway.ask('GET', `${EVENTS}?lastEventId=${end + 40}-9`)
    assert.deepEqual([first.data.events, first.data.lastEventId], [[], `${end}-0`])
    const events = await stream(admin, '', `${end + 40}-9`)
    const next = await submit(gateway)
    const [told] = await take(events, 1)
    assert.deepEqual([told?.id, told?.data.data.job.id], [`${end + 1}-0`, next])
    const second = await gateway.ask('GET', `${EVENTS}?lastEventId=${first.data.lastEventId}`)
    assert.equal(second.data.events[0].data.job.id, next)
    await events.return(undefined)
  })

  it('is read in parts as JSON', async () => {
    for (let i = 0; i < 150; i += 1) await submit(gateway)
    const first = await gateway.ask('GET', EVENTS)
    const rest = await gateway.ask('GET', `${EVENTS}?lastEventId=${first.data.lastEventId}`)
    const none = await gateway.ask('GET', `${EVENTS}?lastEventId=${rest.data.lastEventId}`)
    assert.equal(first.data.events.length + rest.data.events.length, 150)
    assert.deepEqual([none.data.events, none.data.lastEventId], [[], rest.data.lastEventId])
    const wrong = await gateway.ask('GET', `${EVENTS}?lastEventId=7`)
    assert.deepEqual([wrong.status, wrong.code], [400, 'VALIDATION_ERROR'])
    assert.equal((await gateway.ask('GET', `${EVENTS}?types=job.nothing`)).status, 400)
  })
})
