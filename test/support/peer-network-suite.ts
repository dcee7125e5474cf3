import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { type Channel, ChannelBrokenError, type PeerNetwork, PeerUnreachableError } from '../../node/network/index.ts'
import { WireError } from '../../protocol/wire-error.ts'
import { until } from './until.ts'

/** Makes `count` peers that all know each other, and ends them with the test. */
export type MakePeers = (test: TestContext, count: number) => Promise<PeerNetwork[]>

const ECHO = '/test/echo/1.0.0'
const options = { maxMessageBytes: 64 * 1024 }
const accept = () => 'accept' as const

/** What every {@link PeerNetwork} does. */
export function peerNetworkSuite(name: string, makePeers: MakePeers): void {
  const pair = async (test: TestContext): Promise<[PeerNetwork, PeerNetwork]> => {
    const [a, b] = await makePeers(test, 2)
    assert.ok(a !== undefined && b !== undefined)
    return [a, b]
  }
  const openPair = async (test: TestContext): Promise<{ near: Channel; far: Channel; b: PeerNetwork }> => {
    const [a, b] = await pair(test)
    const far = Promise.withResolvers<Channel>()
    b.handle('/test/pair/1.0.0', async (channel) => far.resolve(channel), options)
    const near = await a.open(b.peerId, '/test/pair/1.0.0', { ...options, addresses: b.addresses() })
    return { near, far: await far.promise, b }
  }

  describe(`${name}: gossip`, () => {
    it('reaches everyone else with the name of its author, and not the author', async (test) => {
      const peers = await makePeers(test, 3)
      const heard: string[] = []
      const all = Promise.withResolvers<void>()
      for (const peer of peers) {
        peer.subscribe('requests', {
          validate: accept,
          deliver: (data, author) => {
            heard.push(`${peers.indexOf(peer)} ${Buffer.from(data)} ${author === peers[0]?.peerId}`)
            if (heard.length === 2) all.resolve()
          },
        })
      }
      await peers[0]?.publish('requests', Buffer.from('hello'))
      await all.promise
      assert.deepEqual(heard.sort(), ['1 hello true', '2 hello true'])
    })

    it('neither delivers nor forwards what the subscriber turns away, and counts it', async (test) => {
      const [a, b] = await pair(test)
      const delivered = Promise.withResolvers<string>()
      b.subscribe('announcements', {
        validate: (data) => {
          const word = Buffer.from(data).toString()
          if (word === 'malformed') throw new WireError('MALFORMED', 'Not this')
          if (word === 'replayed') throw new WireError('REPLAYED', 'Not again')
          return word === 'ignored' ? 'ignore' : 'accept'
        },
        deliver: (data) => delivered.resolve(Buffer.from(data).toString()),
      })
      for (const word of ['malformed', 'replayed', 'ignored', 'good'])
        await a.publish('announcements', Buffer.from(word))
      assert.equal(await delivered.promise, 'good')
      await until(() => Object.keys(b.counters().refused).length === 3)
      assert.deepEqual(b.counters().refused, { MALFORMED: 1, REPLAYED: 1, VALIDATOR_IGNORE: 1 })
    })

    it('refuses to publish more than a gossip message holds', async (test) => {
      const [a] = await pair(test)
      await assert.rejects(a.publish('requests', new Uint8Array(8 * 1024 + 1)), RangeError)
    })
  })

  describe(`${name}: channels`, () => {
    it('carry whole messages both ways in order, empty ones too', async (test) => {
      const { near, far } = await openPair(test)
      const sent = [Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(options.maxMessageBytes, 7), Buffer.from('four')]
      for (const message of sent) await near.send(message)
      for (const message of sent) assert.deepEqual(Buffer.from((await far.receive()) ?? 'none'), message)
      await far.send(Buffer.from('back'))
      assert.equal(Buffer.from((await near.receive()) ?? '').toString(), 'back')
    })

    it('close one way: the other side reads to the end and may still answer', async (test) => {
      const { near, far } = await openPair(test)
      await near.send(Buffer.from('question'))
      await near.close()
      assert.equal(Buffer.from((await far.receive()) ?? '').toString(), 'question')
      assert.equal(await far.receive(), null)
      await far.send(Buffer.from('answer'))
      await far.close()
      assert.equal(Buffer.from((await near.receive()) ?? '').toString(), 'answer')
      assert.equal(await near.receive(), null)
      await assert.rejects(near.send(Buffer.from('late')), ChannelBrokenError)
      await near.close()
    })

    it('break for both when one side aborts', async (test) => {
      const { near, far } = await openPair(test)
      const waiting = far.receive()
      near.abort(new Error('enough'))
      await assert.rejects(waiting, ChannelBrokenError)
      await assert.rejects(near.receive(), ChannelBrokenError)
      await assert.rejects(near.send(Buffer.from('x')), ChannelBrokenError)
      await far.close()
    })

    it('break at a message longer than the reader allows, which is held against who sent it', async (test) => {
      const { near, far, b } = await openPair(test)
      const waiting = near.receive()
      await near.send(Buffer.alloc(options.maxMessageBytes + 1))
      await assert.rejects(far.receive(), ChannelBrokenError)
      await assert.rejects(waiting, ChannelBrokenError)
      assert.deepEqual(b.counters().refused, { 'penalty:message: TOO_LARGE': 1 })
    })

    it('make the sender wait for a reader that does not read, and lose nothing', async (test) => {
      const { near, far } = await openPair(test)
      const total = 512
      let sent = 0
      const sending = (async () => {
        for (; sent < total; sent += 1) await near.send(Buffer.alloc(options.maxMessageBytes, sent % 251))
      })()
      let before = -1
      let still = 0
      await until(() => {
        still = sent === before ? still + 1 : 0
        before = sent
        return still > 40
      })
      assert.ok(sent < total, `${sent} of ${total} messages were taken without a reader`)
      for (let index = 0; index < total; index += 1) assert.equal((await far.receive())?.at(-1), index % 251)
      await sending
    })

    it('keep the message that an aborted wait would have had', async (test) => {
      const { near, far } = await openPair(test)
      const stop = new AbortController()
      const waiting = far.receive({ signal: stop.signal })
      stop.abort(new Error('changed my mind'))
      await assert.rejects(waiting, /changed my mind/)
      await near.send(Buffer.from('kept'))
      assert.equal(Buffer.from((await far.receive()) ?? '').toString(), 'kept')
    })

    it('end with the signal they were opened with', async (test) => {
      const [a, b] = await pair(test)
      const far = Promise.withResolvers<Channel>()
      b.handle(ECHO, async (channel) => far.resolve(channel), options)
      const stop = new AbortController()
      const near = await a.open(b.peerId, ECHO, { ...options, addresses: b.addresses(), signal: stop.signal })
      const waiting = Promise.all([assert.rejects(near.receive()), assert.rejects((await far.promise).receive())])
      stop.abort(new Error('over'))
      await waiting
    })

    it('are aborted where the handler fails', async (test) => {
      const [a, b] = await pair(test)
      b.handle(ECHO, async () => Promise.reject(new Error('handler failed')), options)
      const channel = await a.open(b.peerId, ECHO, { ...options, addresses: b.addresses() })
      await assert.rejects(channel.receive(), ChannelBrokenError)
    })

    it('are not opened where the peer is unknown, does not speak the protocol, or the caller gave up', async (test) => {
      const [a, b] = await pair(test)
      const addresses = b.addresses()
      const nobody = '12D3KooWGzBXwNHB3cXmXsCLzHCLcTAzGHXcMEeeWkTvLxNVBgDz'
      await assert.rejects(a.open(nobody, ECHO, options), { code: 'PEER_UNREACHABLE', isOlder: false })
      await assert.rejects(a.open('nonsense', ECHO, options), PeerUnreachableError)
      const unspoken = a.open(b.peerId, '/test/unspoken/1.0.0', { ...options, addresses })
      await assert.rejects(unspoken, { code: 'PEER_UNREACHABLE', isOlder: true })
      const signal = AbortSignal.abort(new Error('gave up'))
      await assert.rejects(a.open(b.peerId, ECHO, { ...options, addresses, signal }), /gave up/)
    })

    it('stay within the number that a protocol takes of one peer', async (test) => {
      const [a, b] = await pair(test)
      b.handle(ECHO, async (channel) => channel.send(Buffer.from('in')), { ...options, maxInboundStreams: 3 })
      const admitted = async (): Promise<boolean> => {
        try {
          const channel = await a.open(b.peerId, ECHO, { ...options, addresses: b.addresses() })
          return (await channel.receive()) !== null
        } catch {
          return false // refused at the opening, or right after
        }
      }
      const outcomes = []
      for (let index = 0; index < 5; index += 1) outcomes.push(await admitted())
      assert.deepEqual(outcomes, [true, true, true, false, false])
    })
  })

  describe(`${name}: peers`, () => {
    it('are told of with their protocols, and again when they speak more', async (test) => {
      const [a, b] = await pair(test)
      const seen = Promise.withResolvers<string>()
      a.onPeer((peer, protocols) => {
        if (protocols.includes(ECHO)) seen.resolve(peer)
      })
      b.handle(ECHO, async (channel) => channel.close(), options)
      assert.equal(await seen.promise, b.peerId)
      assert.deepEqual(a.peers(), [b.peerId])
      assert.equal(a.counters().peers, 1)
    })

    it('that break the rules again and again are refused', async (test) => {
      const [a, b] = await pair(test)
      b.handle(ECHO, async (channel) => channel.send(Buffer.from('hello')), options)
      const channel = await a.open(b.peerId, ECHO, { ...options, addresses: b.addresses() })
      await channel.receive()
      for (let breach = 0; breach < 5; breach += 1) b.penalise(a.peerId, 'TEST')
      await assert.rejects(channel.receive(), ChannelBrokenError)
      await assert.rejects(
        a.open(b.peerId, ECHO, { ...options, addresses: b.addresses() }).then((again) => again.receive()),
        (error: unknown) => error instanceof PeerUnreachableError || error instanceof ChannelBrokenError,
      )
      assert.equal(b.counters().refused['penalty:TEST'], 5)
      assert.equal(b.counters().refused.peer_refused, 1)
    })
  })
}
