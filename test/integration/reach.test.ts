import assert from 'node:assert/strict'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { extract } from 'tar-stream'
import { streamOf } from '../../node/network/channel-stream.ts'
import type { ExecSession } from '../../node/reach/index.ts'
import { leaseOf } from '../../node/store/records.ts'
import { encode } from '../../protocol/codec.ts'
import { ReachHelloSchema } from '../../protocol/gen/cortex/v1/reach_pb.js'
import { readReachReply } from '../../protocol/reach-messages.ts'
import { Protocol } from '../../protocol/topics.ts'
import { until } from '../support/until.ts'
import { openMarket, type TestMarket } from './support/market.ts'

const never = new AbortController().signal

/** A container that answers on a port: what it is sent comes back after the other side has ended. */
const ECHO = `nc -ll -p 7000 -e cat & nc -ll -p 7001 -e sh -c "cat; echo end" &
for port in 7000 7001; do until netstat -ltn | grep -q ":$port "; do sleep 0.2; done; done; echo up; wait`

describe('reaching into a container', () => {
  let market: TestMarket
  let id: string
  before(async () => {
    market = await openMarket()
    await market.addSeller()
    const ports = [7000, 7001, 7002].map((port) => ({ port }))
    id = (await market.submit(market.job(ECHO, { ports, network: 'bridge' }))).id
    await market.when(id, ({ state, logs }) => state.status === 'running' && logs.lines > 0)
  })
  after(async () => {
    await market.close()
  })

  async function tunnel(port: number) {
    return streamOf(await market.node.reach.tunnel(id, { port, protocol: 'TCP' }, never))
  }

  async function said(session: ExecSession) {
    const text = { stdout: '', stderr: '' }
    for await (const event of session.output()) {
      if (event.type === 'exited') return { ...text, exitCode: event.exitCode }
      text[event.type] += Buffer.from(event.data).toString()
    }
    throw new Error('It did not end')
  }

  test('bytes go both ways, and each direction ends by itself', async () => {
    const stream = await tunnel(7001)
    const sent = Buffer.alloc(3 * 1024 * 1024, 'some text ')
    stream.end(sent)
    const back = await buffer(stream)
    assert.equal(back.subarray(-4).toString(), 'end\n')
    assert.ok(back.subarray(0, -4).equals(sent))
  })

  test('many connections at once', async () => {
    const streams: Awaited<ReturnType<typeof tunnel>>[] = []
    const answer = async (number: number): Promise<string> => {
      const stream = streams[number]
      assert.ok(stream)
      stream.write(`hello ${number}`)
      return String((await once(stream, 'data'))[0])
    }
    // Opened one after the other: of more than two that wait to be accepted by `nc`, the kernel leaves some waiting.
    for (let number = 0; number < 50; number += 1) {
      streams.push(await tunnel(7000))
      await answer(number)
    }
    assert.deepEqual(
      await Promise.all(streams.map(async (_, number) => await answer(number))),
      streams.map((_, number) => `hello ${number}`),
    )
    for (const stream of streams) stream.destroy()
  })

  test('the engine’s networks are here, so ports are offered', () => {
    assert.ok(market.sellers.every(({ agent }) => agent.status().capabilities.includes('ports')))
  })

  test('only ports that the job exposes, and that somebody listens on', async () => {
    await assert.rejects(tunnel(22), { code: 'PORT_NOT_EXPOSED' })
    await assert.rejects(tunnel(7002), { code: 'NOT_LISTENING' })
  })

  test('a command with its output apart and its exit code', async () => {
    const command = ['sh', '-c', 'echo out; echo err >&2; exit 3']
    const session = await market.node.reach.exec(id, { command }, never)
    assert.deepEqual(await said(session), { stdout: 'out\n', stderr: 'err\n', exitCode: 3 })
  })

  test('a command that reads its input to the end', async () => {
    const session = await market.node.reach.exec(id, { command: ['wc', '-c'], input: true }, never)
    await session.write(Buffer.alloc(200_000))
    await session.end()
    assert.deepEqual(await said(session), { stdout: '200000\n', stderr: '', exitCode: 0 })
  })

  test('a terminal of a size that changes', async () => {
    const request = { command: ['sh'], terminal: true, input: true, columns: 80, rows: 24 }
    const session = await market.node.reach.exec(id, request, never)
    await session.write(Buffer.from('stty size\n'))
    let text = ''
    let isResized = false
    for await (const event of session.output()) {
      if (event.type === 'exited') break
      text += Buffer.from(event.data).toString()
      if (!isResized && text.includes('24 80')) {
        isResized = true
        await session.resize(100, 30)
        await session.write(Buffer.from('stty size; exit\n'))
      }
    }
    assert.match(text, /24 80[\s\S]*30 100/)
  })

  test('a program that there is not ends as a shell’s would, or is refused', async () => {
    const request = { command: ['no-such-program'] }
    const ended = await market.node.reach.exec(id, request, never).then(said, (error: { code: string }) => error.code)
    // Engines differ in when they notice.
    if (typeof ended === 'string') assert.equal(ended, 'BAD_COMMAND')
    else assert.ok([126, 127].includes(ended.exitCode), JSON.stringify(ended))
  })

  test('what the container is doing', async () => {
    const look = await market.node.reach.inspect(id, never)
    assert.ok(look.processes.some(({ command }) => command.includes('nc -ll -p 7000')))
    assert.ok(look.usage.memoryBytes > 0)
    assert.equal(look.usage.memoryLimitBytes, 16 * 2 ** 20)
    assert.equal(look.networks.length, 1)
  })

  test('another peer gets nothing, and is scored down', async () => {
    const stranger = await market.addSeller()
    const job = await market.node.store.get(id)
    const lease = job === undefined ? null : leaseOf(job)
    const provider = lease?.provider ?? ''
    const contents: [string, NonNullable<MessageInitShape<typeof ReachHelloSchema>['content']>][] = [
      [Protocol.tunnel, { case: 'tunnel', value: { port: 7000, protocol: 'TCP' } }],
      [Protocol.exec, { case: 'exec', value: { command: ['id'] } }],
      [Protocol.exec, { case: 'inspect', value: {} }],
      [Protocol.output, { case: 'output', value: {} }],
      [Protocol.files, { case: 'files', value: { path: '/etc', action: { case: 'list', value: {} } } }],
    ]
    const addresses = market.sellers.find((seller) => seller.id === provider)?.network.addresses() ?? []
    const answers: string[] = []
    for (const [protocol, content] of contents) {
      const channel = await stranger.network.open(provider, protocol, { addresses, maxMessageBytes: 65_536 })
      await channel.send(encode(ReachHelloSchema, { jobId: id, fence: lease?.fence ?? 0, content }))
      answers.push(readReachReply((await channel.receive()) ?? new Uint8Array()).code)
      channel.abort(new Error('enough'))
    }
    assert.deepEqual(answers, ['UNKNOWN_LEASE', 'UNKNOWN_LEASE', 'UNKNOWN_LEASE', 'NO_OUTPUT', 'UNKNOWN_LEASE'])
    const refused = market.sellers.find((seller) => seller.id === provider)?.network.counters().refused
    assert.equal(refused?.['penalty:reached for another’s container'], 4)
  })

  test('what a container left is kept here, and by its provider no more', async () => {
    const script = 'mkdir -p /out/deep; echo result > /out/deep/file; head -c 2000000 /dev/urandom > /out/large'
    const job = await market.run(script, { outputs: '/out' })
    await until(async () => (await market.node.store.get(job.id))?.output?.state === 'kept')
    const kept = await market.node.outputs.open(job.id)
    assert.ok(kept !== null)
    const files = new Map<string, Buffer>()
    const archive = kept.stream.pipe(extract())
    for await (const entry of archive) files.set(entry.header.name, await buffer(entry))
    assert.equal(files.get('out/deep/file')?.toString(), 'result\n')
    assert.equal(files.get('out/large')?.length, 2_000_000)
  })

  test('entry 29: what it did not leave, or left too much of, is said', async () => {
    const missing = await market.run('true', { outputs: '/nothing' })
    const large = await market.run('head -c 40000000 /dev/zero > /large', { outputs: '/large' })
    const outputOf = async ({ id }: { id: string }) => (await market.node.store.get(id))?.output
    await until(async () => (await outputOf(large))?.state === 'kept')
    const states = await Promise.all([missing, large].map(outputOf))
    const nothing = 'The container left nothing at /nothing'
    const leftOut = [{ path: '/nothing', reason: `was not kept: ${nothing}` }]
    // What is looked at now and then may end it before it has written all of that.
    const [, largest] = states
    const reason = largest?.leftOut?.[0]?.reason ?? ''
    assert.match(reason, /^is larger than what may be kept \(\d{8} bytes\)$/)
    const tooLarge = { path: 'large', reason }
    assert.deepEqual(states, [
      { state: 'lost', bytes: 0, message: nothing, leftOut },
      // An archive without an entry.
      { state: 'kept', bytes: 1_024, message: '', leftOut: [tooLarge] },
    ])
  })
})
