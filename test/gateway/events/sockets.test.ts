import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createGateway, type Gateway } from '../../../gateway/index.ts'
import { silentLogger } from '../../../node/logger.ts'
import { jobSubmissionSchema } from '../../../protocol/job-spec.ts'
import { openTestNode, type TestNode } from '../support/test-node.ts'

// biome-ignore lint/suspicious/noExplicitAny: messages have every shape
type Message = any

/** A client that keeps what it was told. */
async function connect(gateway: Gateway, path = '/ws') {
  const socket = new WebSocket(`${gateway.url().replace('http', 'ws')}${path}`)
  const messages: Message[] = []
  const waiting: ((message: Message) => void)[] = []
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data))
    const next = waiting.shift()
    if (next === undefined) messages.push(message)
    else next(message)
  })
  const closed = new Promise<number>((resolve) => socket.addEventListener('close', ({ code }) => resolve(code)))
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('error', () => reject(new Error('refused')))
  })
  return {
    closed,
    say: (message: object) => socket.send(JSON.stringify(message)),
    sayText: (text: string) => socket.send(text),
    close: () => socket.close(),
    async next(): Promise<Message> {
      if (messages.length > 0) return messages.shift()
      const { promise, resolve } = Promise.withResolvers<Message>()
      waiting.push(resolve)
      return await promise
    },
  }
}

describe('sockets', () => {
  let folder: string
  let test: TestNode
  let gateway: Gateway
  const submit = async () => {
    const spec = jobSubmissionSchema.parse({ image: 'busybox' })
    return (await test.node.requester.submit({ owner: 'alice', spec })).job.id
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-gateway-'))
    test = await openTestNode()
    gateway = createGateway({ node: test.node, logger: silentLogger }, { folder, port: 0 })
    await gateway.start()
  })
  afterEach(async () => {
    await gateway.stop()
    await test.close()
    await rm(folder, { recursive: true })
  })

  it('sign in, subscribe, and are told what happens', async () => {
    for (const path of ['/ws', '/api/ws']) {
      const client = await connect(gateway, path)
      client.say({ type: 'auth', token: gateway.adminKey().text })
      client.say({ type: 'subscribe', channel: 'jobs' })
      assert.equal((await client.next()).type, 'authenticated')
      assert.deepEqual(await client.next(), { type: 'subscribed', channel: 'jobs' })
      const id = await submit()
      const event = await client.next()
      assert.deepEqual([event.channel, event.type, event.data.job.id], ['jobs', 'job.created', id])
      client.say({ type: 'unsubscribe', channel: 'jobs' })
      assert.equal((await client.next()).type, 'unsubscribed')
      client.say({ type: 'subscribe', channel: 'system' })
      const told = [await client.next(), await client.next()]
      assert.deepEqual(told.map(({ type }) => type).toSorted(), ['subscribed', 'system.health'])
      client.close()
      await client.closed
    }
  })

  it('are told of providers', async () => {
    const client = await connect(gateway)
    client.say({ type: 'auth', token: gateway.adminKey().text })
    client.say({ type: 'subscribe', channel: 'networks' })
    await client.next()
    await client.next()
    const [provider] = test.providers
    assert.ok(provider)
    provider.status = 'offline'
    test.tellDirectory(provider)
    const event = await client.next()
    assert.deepEqual([event.channel, event.type], ['networks', 'provider.status.changed'])
    client.close()
    await client.closed
  })

  it('get nothing without a key, and are closed for a wrong one', async () => {
    const client = await connect(gateway)
    client.say({ type: 'subscribe', channel: 'jobs' })
    assert.equal((await client.next()).error.code, 'UNAUTHORIZED')
    client.sayText('nonsense')
    assert.equal((await client.next()).error.code, 'VALIDATION_ERROR')
    client.say({ type: 'ping' })
    assert.deepEqual(await client.next(), { type: 'pong' })
    client.say({ type: 'auth', token: 'wrong' })
    assert.equal((await client.next()).error.code, 'UNAUTHORIZED')
    assert.equal(await client.closed, 1008)
  })

  it('are closed when their key is revoked, whatever they listen to', async () => {
    const headers = { Authorization: `Bearer ${gateway.adminKey().text}`, 'Content-Type': 'application/json' }
    const keys = `${gateway.url()}/api/auth/keys`
    const body = JSON.stringify({ name: 'short', permissions: ['jobs:read'] })
    const { data } = (await (await fetch(keys, { method: 'POST', headers, body })).json()) as Message
    const [idle, listening, other] = [await connect(gateway), await connect(gateway), await connect(gateway)]
    for (const client of [idle, listening]) client.say({ type: 'auth', token: data.key })
    other.say({ type: 'auth', token: gateway.adminKey().text })
    listening.say({ type: 'subscribe', channel: 'system' })
    for (const client of [idle, listening, other]) assert.equal((await client.next()).type, 'authenticated')
    assert.equal((await fetch(`${keys}/${data.id}`, { method: 'DELETE', headers })).status, 200)
    assert.deepEqual(await Promise.all([idle.closed, listening.closed]), [1008, 1008])
    other.say({ type: 'ping' })
    assert.deepEqual(await other.next(), { type: 'pong' })
    other.close()
    await other.closed
  })

  it('are refused messages that are too large, and end with the gateway', async () => {
    const large = await connect(gateway)
    large.sayText('x'.repeat(17 * 1024))
    assert.equal(await large.closed, 1009)
    const client = await connect(gateway)
    await gateway.stop()
    assert.ok([1001, 1006].includes(await client.closed))
  })

  it('are no ordinary request', async () => {
    const answer = await fetch(`${gateway.url()}/ws`)
    assert.equal(answer.status, 400)
  })
})
