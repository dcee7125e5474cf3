import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import WebSocket from 'ws'
import { CortexClient } from '../../../gateway/client/index.ts'
import { createGateway, type Gateway } from '../../../gateway/index.ts'
import { silentLogger } from '../../../node/logger.ts'
import { jobSubmissionSchema } from '../../../protocol/job-spec.ts'
import { until } from '../../support/until.ts'
import { openTestNode, type TestNode } from '../support/test-node.ts'

const EVENTS = '/api/plugin-core/events'
const SOCKET = '/api/plugin-core/streams'

describe('a socket of event streams', () => {
  let folder: string
  let test: TestNode
  let gateway: Gateway
  let admin: CortexClient

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-gateway-'))
    test = await openTestNode()
    gateway = createGateway({ node: test.node, logger: silentLogger }, { folder, port: 0 })
    await gateway.start()
    admin = new CortexClient({ baseUrl: gateway.url(), apiKey: gateway.adminKey().text })
  })
  after(async () => {
    await gateway.stop()
    await test.close()
    await rm(folder, { recursive: true })
  })

  async function submit(): Promise<string> {
    const spec = jobSubmissionSchema.parse({ image: 'busybox' })
    return (await test.node.requester.submit({ owner: 'admin', spec })).job.id
  }

  /** A client that keeps what it was told: the text of each stream, and messages. */
  async function connect(headers: Record<string, string> = { authorization: `Bearer ${gateway.adminKey().text}` }) {
    const socket = new WebSocket(gateway.url().replace('http', 'ws') + SOCKET, { headers })
    const texts = new Map<number, string>()
    const messages: { type: string; stream: number; status?: number; body?: string }[] = []
    let isTaking = true
    const say = (message: object): void => socket.send(JSON.stringify(message))
    socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) return messages.push(JSON.parse(String(data)))
      const stream = data.readUInt32BE()
      texts.set(stream, (texts.get(stream) ?? '') + data.toString('latin1', 4))
      if (isTaking) say({ type: 'took', stream, bytes: data.length - 4 })
      return
    })
    const closed = once(socket, 'close').then(([code]) => code as number)
    await once(socket, 'open')
    return {
      socket,
      closed,
      say,
      take(isTakingNow: boolean): void {
        isTaking = isTakingNow
      },
      textOf: (stream: number) => texts.get(stream) ?? '',
      /** Resolves with a message of this stream and type. */
      async told(stream: number, type: string) {
        const found = () => messages.find((message) => message.stream === stream && message.type === type)
        await until(() => found() !== undefined)
        return found()
      },
      messages,
    }
  }

  it('entry 46: carries many streams side by side, each from where it is told to begin', async () => {
    const client = await connect()
    const ids = await Promise.all([submit(), submit()])
    for (const id of ids) {
      await test.play.start(id)
      await test.play.log(id, 'one', 'two')
    }
    client.say({ type: 'open', stream: 1, path: EVENTS })
    client.say({ type: 'open', stream: 2, path: `/api/v1/plugin-core/jobs/${ids[0]}/logs`, lastEventId: '1' })
    client.say({ type: 'open', stream: 3, path: `/api/plugin-core/jobs/${ids[1]}/logs?tail=2` })
    assert.equal((await client.told(3, 'opened'))?.status, 200)
    await until(() => client.textOf(3).includes('"two"'))
    assert.ok(client.textOf(3).includes('"one"'))
    await until(() => client.textOf(2).includes('"two"'))
    assert.ok(!client.textOf(2).includes('"one"'))
    await test.play.complete(ids[0] ?? '')
    await client.told(2, 'closed')
    await until(() => client.textOf(1).includes('job.completed'))
    client.say({ type: 'close', stream: 3 })
    await test.play.log(ids[1] ?? '', 'three')
    client.say({ type: 'open', stream: 4, path: `/api/plugin-core/jobs/${ids[1]}/logs` })
    await until(() => client.textOf(4).includes('"three"'))
    assert.ok(!client.textOf(3).includes('"three"'))
    client.socket.close()
  })

  it('answers what a request would be answered, where there is no stream', async () => {
    const client = await connect()
    client.say({ type: 'open', stream: 1, path: '/api/plugin-core/jobs/job_00000000000000000000000000/logs' })
    const refused = await client.told(1, 'opened')
    assert.equal(refused?.status, 404)
    assert.equal(JSON.parse(refused?.body ?? '').error.code, 'JOB_NOT_FOUND')
    await client.told(1, 'closed')
    client.socket.close()
  })

  it('gives a key what it may see, and ends with it', async () => {
    const { id: keyId, key } = await admin.keys.create({ name: 'short', permissions: ['providers:read'] })
    const client = await connect({ authorization: `Bearer ${key}` })
    client.say({ type: 'open', stream: 1, path: EVENTS })
    assert.equal((await client.told(1, 'opened'))?.status, 403)
    await admin.keys.revoke(keyId)
    assert.equal(await client.closed, 1008)
  })

  it('waits for a reader that takes nothing, without gathering what it does not take', async () => {
    const id = await submit()
    await test.play.start(id)
    for (let i = 0; i < 64; i += 1) await test.play.log(id, 'x'.repeat(60_000))
    await test.play.complete(id)
    const client = await connect()
    client.take(false)
    client.say({ type: 'open', stream: 1, path: `/api/plugin-core/jobs/${id}/logs` })
    await until(() => client.textOf(1).length >= 1024 * 1024)
    const stuck = client.textOf(1).length
    assert.ok(stuck <= 1024 * 1024 + 256 * 1024, `${stuck} bytes came`)
    client.take(true)
    client.say({ type: 'took', stream: 1, bytes: stuck })
    await client.told(1, 'closed')
    assert.equal(client.textOf(1).match(/"line":/g)?.length, 64)
    client.socket.close()
  })

  it('lets nobody in who is not signed in, and no page of another site with the cookie', async () => {
    const status = async (headers: Record<string, string>): Promise<number | undefined> => {
      const socket = new WebSocket(gateway.url().replace('http', 'ws') + SOCKET, { headers })
      socket.on('error', () => undefined) // the answer is what counts
      const [, response] = await once(socket, 'unexpected-response')
      return response.statusCode
    }
    assert.equal(await status({}), 401)
    const signIn = await fetch(gateway.signInLink(), { redirect: 'manual' })
    const cookie = signIn.headers.get('set-cookie')?.split(';')[0] ?? ''
    assert.equal(await status({ cookie, origin: 'https://elsewhere.example' }), 403)
    const own = await connect({ cookie, origin: gateway.url() })
    own.say({ type: 'open', stream: 1, path: EVENTS })
    assert.equal((await own.told(1, 'opened'))?.status, 200)
    own.socket.close()
  })

  const odd: [string, string | Buffer][] = [
    ['no JSON', 'hello'],
    ['no stream', JSON.stringify({ type: 'open', stream: 1, path: '/api/plugin-core/jobs' })],
    ['out of the API', JSON.stringify({ type: 'open', stream: 1, path: '/api/plugin-core/jobs/../events' })],
    ['another host', JSON.stringify({ type: 'open', stream: 1, path: '//elsewhere/api/plugin-core/events' })],
    ['a container', JSON.stringify({ type: 'open', stream: 1, path: '/api/plugin-core/jobs/a/proxy/80/logs' })],
    ['binary', Buffer.from('x')],
    ['too long', 'x'.repeat(20_000)],
  ]
  for (const [name, message] of odd) {
    it(`closes at a message that is none of its own: ${name}`, async () => {
      const client = await connect()
      client.socket.send(message)
      assert.ok([1008, 1009].includes(await client.closed))
    })
  }

  it('opens no more than 16 streams at a time', async () => {
    const client = await connect()
    for (let stream = 1; stream <= 17; stream += 1) client.say({ type: 'open', stream, path: EVENTS })
    assert.equal(await client.closed, 1008)
  })
})
