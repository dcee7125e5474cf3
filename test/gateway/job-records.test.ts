import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { successSchema } from '../../gateway/contract/envelope.ts'
import { metricsSchema } from '../../gateway/contract/jobs.ts'
import { type ReadEvent, readEvents } from './support/sse-reader.ts'
import { ADMIN_KEY, openTestGateway, submit, type TestGateway } from './support/test-gateway.ts'

let gateway: TestGateway

async function stream(path: string, headers: Record<string, string> = {}): Promise<Response> {
  const accept = { Authorization: `Bearer ${ADMIN_KEY}`, Accept: 'text/event-stream' }
  return await gateway.app.request(`/api/plugin-core/jobs/${path}`, { headers: { ...accept, ...headers } })
}

async function take(events: AsyncIterator<ReadEvent>, count: number): Promise<ReadEvent[]> {
  const taken: ReadEvent[] = []
  while (taken.length < count) {
    const { value, done } = await events.next()
    if (done) break
    taken.push(value)
  }
  return taken
}

async function all(response: Response): Promise<ReadEvent[]> {
  return await take(readEvents(response), Number.POSITIVE_INFINITY)
}

const texts = (events: ReadEvent[]) => events.map(({ id, data }) => `${id} ${data.line}`)

describe('what is recorded of a job', () => {
  let id: string
  beforeEach(async () => {
    gateway = await openTestGateway()
    id = await submit(gateway)
    await gateway.play.start(id)
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('answers logs as JSON: all, the tail, since a time', async () => {
    await gateway.play.log(id, 'a', 'b')
    await gateway.play.log(id, 'c')
    const { logs } = (await gateway.ask('GET', `/api/plugin-core/jobs/${id}/logs`)).data
    assert.deepEqual(logs[0], { timestamp: logs[0].timestamp, line: 'a', stream: 'stdout' })
    const cases: [string, string[]][] = [
      ['', ['a', 'b', 'c']],
      ['?tail=2', ['b', 'c']],
      ['?tail=0', []],
      ['?tail=99', ['a', 'b', 'c']],
      [`?since=${logs[1].timestamp}`, ['b', 'c']],
      [`?since=${logs[0].timestamp}&tail=1`, ['c']],
      ['?since=2100-01-01T00:00:00Z', []],
    ]
    for (const [query, expected] of cases) {
      const answer = await gateway.ask('GET', `/api/plugin-core/jobs/${id}/logs${query}`)
      assert.deepEqual(
        answer.data.logs.map(({ line }: { line: string }) => line),
        expected,
        query,
      )
    }
  })

  it('streams history, then live lines, then end, with the line number as id', async () => {
    await gateway.play.log(id, 'a', 'b')
    const response = await stream(`${id}/logs`)
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    const events = readEvents(response)
    assert.deepEqual(texts(await take(events, 2)), ['1 a', '2 b'])
    await gateway.play.log(id, 'c')
    assert.deepEqual(texts(await take(events, 1)), ['3 c'])
    await gateway.play.complete(id)
    const [end] = await take(events, 1)
    assert.deepEqual([end?.event, end?.id, end?.data], ['end', '4', { id, status: 'completed' }])
    assert.equal((await events.next()).done, true)
  })

  it('begins with what the browser waits before it comes back', async () => {
    await gateway.play.complete(id)
    const response = await stream(`${id}/logs?follow=true`, { Accept: '*/*' })
    assert.match(await response.text(), /^retry: 2000\n\n/)
  })

  it('resumes after Last-Event-ID, and tells one that has everything not to come again', async () => {
    await gateway.play.log(id, 'a', 'b', 'c')
    await gateway.play.complete(id)
    assert.deepEqual(texts((await all(await stream(`${id}/logs`, { 'Last-Event-ID': '1' }))).slice(0, -1)), [
      '2 b',
      '3 c',
    ])
    assert.deepEqual(texts((await all(await stream(`${id}/logs?lastEventId=2`))).slice(0, -1)), ['3 c'])
    const onlyEnd = await all(await stream(`${id}/logs`, { 'Last-Event-ID': '3' }))
    assert.deepEqual(
      onlyEnd.map(({ id, event }) => [id, event]),
      [['4', 'end']],
    )
    assert.equal((await stream(`${id}/logs`, { 'Last-Event-ID': '4' })).status, 204)
    assert.equal((await stream(`${id}/logs`, { 'Last-Event-ID': 'x' })).status, 400)
    assert.deepEqual(texts((await all(await stream(`${id}/logs?tail=1`))).slice(0, -1)), ['3 c'])
  })

  it('misses and repeats nothing while lines come and readers come and go', async () => {
    const total = 2000
    const writing = (async () => {
      for (let n = 0; n < total; n += 20) {
        await gateway.play.log(id, ...Array.from({ length: 20 }, (_, i) => `line ${n + i + 1}`))
      }
      await gateway.play.complete(id)
    })()
    const seen: string[] = []
    let last = 0
    for (let ended = false; !ended; ) {
      const headers = last === 0 ? {} : { 'Last-Event-ID': String(last) }
      const events = readEvents(await stream(`${id}/logs`, headers))
      for (const event of await take(events, 333)) {
        if (event.event === 'end') ended = true
        else seen.push(event.data.line)
        last = Number(event.id)
      }
      await events.return(undefined)
    }
    await writing
    assert.deepEqual(
      seen,
      Array.from({ length: total }, (_, i) => `line ${i + 1}`),
    )
  })

  it('answers and streams events', async () => {
    const json = (await gateway.ask('GET', `/api/plugin-core/jobs/${id}/events?after=1`)).data.events
    assert.deepEqual(
      json.map(({ type }: { type: string }) => type),
      ['scheduled', 'started'],
    )
    const events = readEvents(await stream(`${id}/events`))
    await take(events, 3)
    await gateway.play.complete(id)
    const rest = await take(events, 2)
    assert.deepEqual(
      rest.map(({ id, event, data }) => [id, event, data.type ?? data.status]),
      [
        ['4', 'message', 'completed'],
        ['5', 'end', 'completed'],
      ],
    )
    assert.equal((await stream(`${id}/events`, { 'Last-Event-ID': '5' })).status, 204)
  })

  it('averages metrics in buckets and streams samples', async () => {
    const startMs = Math.floor(Date.now() / 60_000) * 60_000 - 120_000
    const sample = (offsetMs: number, cpuMillis: number, rxBytes: number) => ({
      timestampMs: startMs + offsetMs,
      cpuMillis,
      memoryBytes: 1000,
      rxBytes,
      txBytes: 5,
      storageBytes: null,
    })
    await gateway.store.change(id, (draft) => {
      draft.metric(sample(0, 100, 10))
      draft.metric(sample(5_000, 200, 20))
      draft.metric({ ...sample(60_000, 50, 30), gpuMillis: 870, gpuMemoryBytes: 2 ** 30 })
    })
    const answer = await gateway.ask('GET', `/api/plugin-core/jobs/${id}/metrics?resolution=1m`)
    const { data } = successSchema(metricsSchema).parse(answer.body)
    assert.deepEqual(
      data.cpu.map(({ value }) => value),
      [150, 50],
    )
    assert.deepEqual([data.gpu.map(({ value }) => value), data.gpuMemory.map(({ value }) => value)], [[870], [2 ** 30]])
    assert.deepEqual(
      data.network.rx.map(({ value }) => value),
      [20, 30],
    )
    assert.deepEqual(data.storage, [])
    const fine = await gateway.ask('GET', `/api/plugin-core/jobs/${id}/metrics?resolution=5s`)
    assert.equal(fine.data.cpu.length, 3)
    const [from, to] = [startMs + 1, startMs + 5_000].map((ms) => new Date(ms).toISOString())
    const part = await gateway.ask('GET', `/api/plugin-core/jobs/${id}/metrics?resolution=5s&from=${from}&to=${to}`)
    assert.deepEqual(
      part.data.cpu.map(({ value }: { value: number }) => value),
      [200],
    )
    const wrong = await gateway.ask('GET', `/api/plugin-core/jobs/${id}/metrics?period=2y`)
    assert.deepEqual([wrong.status, wrong.code], [400, 'VALIDATION_ERROR'])
    const events = readEvents(await stream(`${id}/metrics`))
    const samples = await take(events, 3)
    assert.deepEqual(samples[0]?.data.network, { rx: 10, tx: 5 })
    assert.equal(samples[0]?.id, String(startMs))
    await events.return(undefined)
  })
})
