import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ConnectionError, CortexClient, type CortexClientInit, NotFoundError } from '../../../gateway/client/index.ts'
import { type ServedGateway, serveTestGateway } from '../support/served-gateway.ts'
import { ADMIN_KEY, submit } from '../support/test-gateway.ts'

let gateway: ServedGateway

function connect(init: Partial<CortexClientInit> = {}): CortexClient {
  return new CortexClient({
    baseUrl: gateway.url,
    apiKey: ADMIN_KEY,
    retryDelayMs: 1,
    streams: { reconnectDelayMs: 1 },
    ...init,
  })
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => String(from + i))

describe('following', () => {
  beforeEach(async () => {
    gateway = await serveTestGateway()
  })
  afterEach(async () => await gateway.close())

  it('gives history, then what comes, and ends with the job', async () => {
    const id = await submit(gateway)
    await gateway.play.start(id)
    await gateway.play.log(id, 'one', 'two')
    const seen: [number, string][] = []
    for await (const { number, line } of connect().jobs.logs(id, { follow: true })) {
      seen.push([number, line])
      if (line === 'two') await gateway.play.log(id, 'three')
      if (line === 'three') await gateway.play.complete(id)
    }
    assert.deepEqual(seen, [
      [1, 'one'],
      [2, 'two'],
      [3, 'three'],
    ])
  })

  it('gives every line once over connections that are cut again and again', async () => {
    const id = await submit(gateway)
    await gateway.play.start(id)
    const seen: string[] = []
    let written = 500
    await gateway.play.log(id, ...numbers(1, written))
    for await (const { line } of connect().jobs.logs(id, { follow: true })) {
      seen.push(line)
      if (seen.length % 150 === 0) gateway.cut()
      if (seen.length === written && written < 3000) {
        await gateway.play.log(id, ...numbers(written + 1, written + 500))
        written += 500
      } else if (seen.length === 3000) await gateway.play.complete(id)
    }
    assert.deepEqual(seen, numbers(1, 3000))
    const openings = gateway.requests.filter((request) => request.includes('/logs'))
    assert.ok(openings.length > 5, `${openings.length} openings`)
  })

  it('begins where the caller left off, and is over at once where that is the end', async () => {
    const id = await submit(gateway)
    await gateway.play.start(id)
    await gateway.play.log(id, 'one', 'two')
    await gateway.play.complete(id)
    const client = connect()
    const after = async (number: number) =>
      (await Array.fromAsync(client.jobs.logs(id, { follow: true, after: number }))).map(({ line }) => line)
    assert.deepEqual(await after(1), ['two'])
    assert.deepEqual(await after(2), [])
    const tail = await Array.fromAsync(client.jobs.logs(id, { follow: true, tail: 1 }))
    assert.deepEqual(
      tail.map(({ line }) => line),
      ['two'],
    )
  })

  it('follows events of a job over a cut', async () => {
    const id = await submit(gateway)
    const types: string[] = []
    for await (const { type } of connect().jobs.events(id, { follow: true })) {
      types.push(type)
      if (type === 'created') {
        gateway.cut()
        await gateway.play.start(id)
      }
      if (type === 'started') await gateway.play.complete(id)
    }
    assert.deepEqual(types, ['created', 'scheduled', 'started', 'completed'])
  })

  it('misses no event that came while the connection was cut before the first one', async () => {
    const states: string[] = []
    let made: string | undefined
    const client = connect({
      async fetch(input, init) {
        const response = await fetch(input, init)
        if (states.length > 0 || response.body === null) return response
        // Where the stream begins is told at once; then it breaks, and a job is submitted meanwhile.
        const cut = new TransformStream<Uint8Array, Uint8Array>({
          async transform(chunk, controller) {
            controller.enqueue(chunk)
            if (!Buffer.from(chunk).includes('id:')) return
            made = await submit(gateway)
            controller.error(new TypeError('cut'))
          },
        })
        return new Response(response.body.pipeThrough(cut), { status: response.status, headers: response.headers })
      },
    })
    const events = client.events({ types: ['job.created'], onConnection: (state) => states.push(state) })
    const { value } = await events.next()
    await events.return(undefined)
    const job = value?.data.job as { id: string } | undefined
    assert.equal(job?.id, made)
    assert.deepEqual(states, ['open', 'broken', 'open'])
  })

  it('follows samples of a job’s use over a cut, and ends with it', async () => {
    const id = await submit(gateway)
    await gateway.play.start(id)
    const at = Date.now()
    await gateway.play.sample(id, at - 2000, 100)
    await gateway.play.sample(id, at - 1000, 200)
    const cpu: number[] = []
    const after = new Date(at - 2000)
    for await (const sample of connect().jobs.followMetrics(id, { after })) {
      cpu.push(sample.cpu)
      if (sample.cpu === 200) {
        gateway.cut()
        await gateway.play.sample(id, at, 300)
      }
      if (sample.cpu === 300) await gateway.play.complete(id)
    }
    assert.deepEqual(cpu, [200, 300])
  })

  it('closes the connection when the loop is left', async () => {
    const id = await submit(gateway)
    await gateway.play.start(id)
    await gateway.play.log(id, 'one')
    for await (const { line } of connect().jobs.logs(id, { follow: true })) {
      assert.equal(line, 'one')
      break
    }
    while (gateway.streams.size() > 0) await new Promise(setImmediate)
  })

  it('stops when it is told to', async () => {
    const id = await submit(gateway)
    await gateway.play.start(id)
    await gateway.play.log(id, 'one')
    const controller = new AbortController()
    await assert.rejects(async () => {
      for await (const _line of connect().jobs.logs(id, { follow: true, signal: controller.signal })) {
        controller.abort(new Error('enough'))
      }
    }, /enough/)
  })

  it('opens a stream anew that falls silent', async () => {
    const id = await submit(gateway)
    await gateway.play.start(id)
    await gateway.play.log(id, 'one')
    let openings = 0
    const client = connect({
      streams: { reconnectDelayMs: 1, silenceMs: 200 },
      async fetch(input, init) {
        openings += 1
        // Half-open, as after a NAT forgot the connection: the head comes, and then nothing.
        if (openings === 1) return new Response(new ReadableStream(), { status: 200 })
        return await fetch(input, init)
      },
    })
    for await (const { line } of client.jobs.logs(id, { follow: true })) {
      assert.equal(line, 'one')
      break
    }
    assert.ok(openings >= 2)
  })

  it('throws what no coming back mends, and gives up on a gateway that stays away', async () => {
    await assert.rejects(
      Array.fromAsync(connect().jobs.logs('job_000000000000', { follow: true })),
      (error) => error instanceof NotFoundError && error.code === 'JOB_NOT_FOUND',
    )
    const away = connect({ baseUrl: 'http://127.0.0.1:1' })
    await assert.rejects(Array.fromAsync(away.jobs.logs('job_000000000000', { follow: true })), ConnectionError)

    const id = await submit(gateway)
    await gateway.play.start(id)
    await gateway.play.log(id, 'one')
    let isThere = true
    const client = connect({
      streams: { reconnectDelayMs: 1, maxReconnects: 3 },
      async fetch(input, init) {
        if (isThere) return await fetch(input, init)
        throw new TypeError('fetch failed')
      },
    })
    await assert.rejects(
      async () => {
        for await (const _line of client.jobs.logs(id, { follow: true })) {
          isThere = false
          gateway.cut()
        }
      },
      { code: 'STREAM_LOST' },
    )
  })
})
