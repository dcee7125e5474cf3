import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { ExecEvent, ExecRequest } from '../../../node/reach/index.ts'
import { MAX_STRANGERS, type SshTarget } from '../../../node/ssh/index.ts'
import { ownServer } from './support/own-server.ts'

const PIECE = Buffer.alloc(64 * 1024, 'x')

describe('an SSH server before a client as no client is', () => {
  let target: SshTarget
  let own: Awaited<ReturnType<typeof ownServer>>
  /** What a command of the test does, and what came to it. */
  let output: () => AsyncIterable<ExecEvent>
  let signalled: string[]
  let resized: string[]
  /** Signals and sizes are on their way until it resolves. */
  let held: PromiseWithResolvers<void>
  before(async () => {
    target = {
      async exec({ command }: ExecRequest) {
        const isSignal = command.some((word) => word.includes('kill -s'))
        if (isSignal) signalled.push(command.at(-1) ?? '')
        return {
          async *output() {
            if (isSignal) await held.promise
            else yield* output()
            yield { type: 'exited', exitCode: 0 }
          },
          write: async () => undefined,
          end: async () => undefined,
          async resize(columns, rows) {
            resized.push(`${columns}x${rows}`)
            await held.promise
          },
          close: () => undefined,
        }
      },
      tunnel: async () => {
        throw new Error('There is none')
      },
    }
    own = await ownServer(target)
  })
  beforeEach(() => {
    signalled = []
    resized = []
    held = Promise.withResolvers()
  })
  after(async () => await own.stop())

  test('one that takes nothing in a packet gets no channel, and the others go on', async () => {
    const client = await own.client()
    for (const size of [0, 1, 1023]) {
      const answered = client.next(({ channel }) => channel === size)
      client.protocol.session(size, 1000, size)
      assert.equal((await answered).type, 'refused')
      const other = client.next(({ channel }) => channel === 5000 + size)
      const to = { srcIP: '127.0.0.1', srcPort: 1, dstIP: 'localhost', dstPort: 1 }
      client.protocol.directTcpip(5000 + size, 1000, size, to)
      assert.equal((await other).type, 'refused')
    }
    await client.open(7)
  })

  test('one that begins to agree on new keys, and falls silent, has little kept for it, and gets all once it goes on', async () => {
    const pieces = 256
    let taken = 0
    const silent = Promise.withResolvers<void>()
    output = async function* () {
      await silent.promise
      for (; taken < pieces; taken += 1) yield { type: 'stdout', data: PIECE }
    }
    const client = await own.client()
    let received = 0
    client.onHeard(({ data }) => {
      received += data?.length ?? 0
    })
    const theirs = await client.open(0, 2 ** 32 - 1)
    const begun = client.next(({ type }) => type === 'success')
    client.protocol.exec(theirs, 'much')
    await begun
    // What comes from here on the client has, and does not look at.
    const unread: Buffer[] = []
    const { parse } = client.protocol
    const answered = Promise.withResolvers<void>()
    client.protocol.parse = (data) => {
      unread.push(Buffer.from(data))
      answered.resolve()
    }
    client.protocol.rekey()
    await answered.promise
    silent.resolve()
    for (let turn = 0; turn < 5 * pieces; turn += 1) await setImmediate()
    assert.ok(taken < 16, `${taken} pieces were taken for a client that does not listen`)
    const closed = client.next(({ type }) => type === 'closed')
    client.protocol.parse = parse
    for (const data of unread) client.protocol.parse(data, 0, data.length)
    await closed
    assert.equal(received, pieces * PIECE.length)
  })

  test('one that has room for a little at a time gets each byte once', async () => {
    output = async function* () {
      yield { type: 'stdout', data: Buffer.alloc(20_000, 'a') }
      yield { type: 'stderr', data: Buffer.alloc(20_000, 'b') }
      yield { type: 'stdout', data: Buffer.alloc(20_000, 'c') }
    }
    const client = await own.client()
    const theirs = await client.open(0, 7000)
    const texts = { stdout: '', stderr: '' }
    client.onHeard(({ type, data }) => {
      if (type !== 'stdout' && type !== 'stderr') return
      texts[type] += String(data)
      client.protocol.channelWindowAdjust(theirs, data?.length ?? 0)
    })
    const closed = client.next(({ type }) => type === 'closed')
    client.protocol.exec(theirs, 'both')
    await closed
    assert.equal(texts.stdout, 'a'.repeat(20_000) + 'c'.repeat(20_000))
    assert.equal(texts.stderr, 'b'.repeat(20_000))
  })

  test('whoever speaks SSH is not cut off for others that say nothing, however many', async () => {
    const crowded = await ownServer(target, { addressEach: true })
    const sockets: Socket[] = []
    const connected = async (): Promise<Socket> => {
      const socket = connect(crowded.port, '127.0.0.1').on('error', () => undefined)
      sockets.push(socket)
      await once(socket, 'connect')
      return socket.resume()
    }
    const speaking = await connected()
    speaking.write('SSH-2.0-x\r\n')
    // Its version, and what it offers for the keys: then it has heard that this one speaks.
    let bytes = 0
    while (bytes < 200) bytes += ((await once(speaking, 'data')) as [Buffer])[0].length
    for (let round = 0; round < MAX_STRANGERS.all + 50; round += 1) await connected()
    const gone = sockets.filter((socket) => socket !== speaking)
    while (gone.filter(({ closed }) => closed).length < 50) await setImmediate()
    assert.equal(speaking.closed || speaking.readableEnded, false)
    for (const socket of sockets) socket.destroy()
    await crowded.stop()
  })

  test('a session that is closed before it begins is over for both', async () => {
    const client = await own.client()
    let closed = 0
    client.onHeard(({ type }) => {
      if (type === 'closed') closed += 1
    })
    for (let round = 0; round < 20; round += 1) client.protocol.channelClose(await client.open(round))
    await client.open(1000)
    assert.equal(closed, 20)
  })

  test('many signals and sizes are sent one after the other, and of each what came last', async () => {
    const ended = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    // biome-ignore lint/correctness/useYield: a command that says nothing
    output = async function* () {
      begun.resolve()
      await ended.promise
    }
    const client = await own.client()
    const theirs = await client.open(0)
    client.protocol.pty(theirs, 24, 80, 0, 0, 'xterm')
    client.protocol.exec(theirs, 'wait')
    await begun.promise
    for (let round = 1; round <= 1000; round += 1) {
      for (const name of ['TERM', 'USR1']) client.protocol.signal(theirs, name)
      client.protocol.windowChange(theirs, 24, 100 + round, 0, 0)
    }
    await client.open(1)
    assert.deepEqual(signalled, ['TERM'])
    assert.deepEqual(resized, ['101x24'])
    held.resolve()
    for (let turn = 0; turn < 200; turn += 1) await setImmediate()
    assert.deepEqual(signalled, ['TERM', 'USR1', 'TERM'])
    assert.deepEqual(resized, ['101x24', '1100x24'])
    ended.resolve()
  })
})
