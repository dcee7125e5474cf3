import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { createDirectory, type RunningDirectory } from '../../node/directory/directory.ts'
import type { ProviderView } from '../../node/directory/index.ts'
import { silentLogger } from '../../node/logger.ts'
import { decode, encode } from '../../protocol/codec.ts'
import {
  DirectoryReplySchema,
  DirectoryRequestSchema,
  type SignedStatement,
  SignedStatementSchema,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_DIRECTORY_BYTES } from '../../protocol/limits.ts'
import { Protocol } from '../../protocol/topics.ts'
import { announcementBytes, announcementOf } from '../support/announcements.ts'
import { createMemoryHub, type MemoryHub, type MemoryPeer } from '../support/memory-network.ts'
import { createSimClock, type SimClock } from '../support/sim-clock.ts'
import { until } from '../support/until.ts'

interface World {
  hub: MemoryHub
  clock: SimClock
  /** A peer with a running directory. */
  directory(init?: { maxProviders?: number }): Promise<RunningDirectory & { peer: MemoryPeer; changes: string[] }>
}

function createWorld(test: TestContext): World {
  const clock = createSimClock()
  const hub = createMemoryHub({ clock })
  return {
    hub,
    clock,
    async directory(init = {}) {
      const peer = await hub.join()
      const components = { network: peer.network, clock, logger: silentLogger }
      const directory = createDirectory(components, { networkName: 'test', ...init })
      const changes: string[] = []
      directory.onChange((view) => changes.push(`${view.name} ${view.status} ${view.free.cpuMillis}`))
      await directory.start()
      test.after(() => directory.stop())
      return { ...directory, peer, changes }
    },
  }
}

function statuses(directory: RunningDirectory): string[] {
  return directory.list().map(({ name, status }) => `${name} ${status}`)
}

describe('the directory', () => {
  it('lists who announces, as announced', async (test) => {
    const { hub, clock, directory } = createWorld(test)
    const watcher = await directory()
    const provider = await hub.join()
    await provider.network.publish('announcements', await announcementBytes(provider.privateKey, { region: 'us' }))
    await hub.settled()
    const view = watcher.get(provider.network.peerId)
    assert.equal(view?.region, 'us')
    assert.deepEqual(view?.free, { cpuMillis: 4_000, memoryBytes: 2 ** 33, storageBytes: 100 * 2 ** 30, gpu: 0 })
    assert.equal(view?.status, 'online')
    assert.equal(view?.firstSeenMs, clock.nowMs())
    assert.equal(view?.latencyMs, null)
    assert.deepEqual(watcher.list(), [view])
    assert.equal(watcher.get('someone else'), undefined)
  })

  it('notices silence: degraded after one missed, offline after three, forgotten after an hour', async (test) => {
    const { hub, clock, directory } = createWorld(test)
    const watcher = await directory()
    const provider = await hub.join()
    const announce = async (sequence: bigint): Promise<void> => {
      await provider.network.publish('announcements', await announcementBytes(provider.privateKey, { sequence }))
      await hub.settled()
    }
    await announce(1n)
    const timeline: [number, string[]][] = [
      [15_000, ['shed online']],
      [4_000, ['shed degraded']],
      [29_000, ['shed degraded']],
      [1_000, ['shed offline']],
    ]
    for (const [ms, expected] of timeline) {
      await clock.advance(ms)
      assert.deepEqual(statuses(watcher), expected)
    }
    await announce(2n)
    assert.deepEqual(statuses(watcher), ['shed online'])
    await clock.advance(60 * 60_000)
    assert.deepEqual(statuses(watcher), ['shed offline'])
    await clock.advance(2_000)
    assert.deepEqual(statuses(watcher), [])
    const seen = watcher.changes.map((change) => change.split(' ')[1])
    assert.deepEqual(seen, ['online', 'degraded', 'offline', 'online', 'degraded', 'offline', 'offline'])
  })

  it('believes a goodbye at once', async (test) => {
    const { hub, directory } = createWorld(test)
    const watcher = await directory()
    const provider = await hub.join()
    for (const changes of [{ sequence: 1n }, { sequence: 2n, pausedReason: 'offline' }]) {
      await provider.network.publish('announcements', await announcementBytes(provider.privateKey, changes))
      await hub.settled()
    }
    assert.deepEqual(statuses(watcher), ['shed offline'])
    const again = { incarnation: 2_000n, sequence: 1n }
    await provider.network.publish('announcements', await announcementBytes(provider.privateKey, again))
    await hub.settled()
    assert.deepEqual(statuses(watcher), ['shed online'])
  })

  it('tells of changes, not of mere signs of life', async (test) => {
    const { hub, directory } = createWorld(test)
    const watcher = await directory()
    const provider = await hub.join()
    const free = { cpuMillis: 500, memoryBytes: 1n << 30n }
    const said = [{}, { sequence: 2n, uptimeSeconds: 15n }, { sequence: 3n, free }, { sequence: 4n, free }]
    for (const changes of said) {
      await provider.network.publish('announcements', await announcementBytes(provider.privateKey, changes))
      await hub.settled()
    }
    assert.deepEqual(watcher.changes, ['shed online 4000', 'shed online 500'])
    assert.equal(watcher.get(provider.network.peerId)?.sequence, 4)
  })

  it('answers with the same array until something changes', async (test) => {
    const { hub, clock, directory } = createWorld(test)
    const watcher = await directory()
    const provider = await hub.join()
    await provider.network.publish('announcements', await announcementBytes(provider.privateKey))
    await hub.settled()
    const before = watcher.list()
    await clock.advance(5_000)
    assert.equal(watcher.list(), before)
    await clock.advance(20_000)
    assert.notEqual(watcher.list(), before)
    assert.equal(before[0]?.status, 'online', 'a view that was handed out does not change')
  })

  it('takes over the round trips that the network measures', async (test) => {
    const { hub, clock } = createWorld(test)
    const [peer, provider] = [await hub.join(), await hub.join()]
    const network = { ...peer.network, latencyMs: () => 12 }
    const directory = createDirectory({ network, clock, logger: silentLogger }, { networkName: 'test' })
    await directory.start()
    test.after(() => directory.stop())
    await provider.network.publish('announcements', await announcementBytes(provider.privateKey))
    await hub.settled()
    assert.equal(directory.list()[0]?.latencyMs, null)
    await clock.advance(10_000)
    assert.equal(directory.list()[0]?.latencyMs, 12)
  })

  it('keeps as many as it may, and forgets the longest silent', async (test) => {
    const { hub, directory } = createWorld(test)
    const watcher = await directory({ maxProviders: 2 })
    const [a, b, c] = [await hub.join(), await hub.join(), await hub.join()]
    const said: [MemoryPeer, string, bigint][] = [
      [a, 'a', 1n],
      [b, 'b', 1n],
      [a, 'a', 2n],
      [c, 'c', 1n],
    ]
    for (const [peer, name, sequence] of said) {
      await peer.network.publish('announcements', await announcementBytes(peer.privateKey, { name, sequence }))
      await hub.settled()
    }
    assert.deepEqual(statuses(watcher), ['a online', 'c online'])
    assert.deepEqual(watcher.changes, ['a online 4000', 'b online 4000', 'c online 4000', 'b offline 4000'])
  })

  describe('refuses an announcement', () => {
    const cases: [string, string, (a: MemoryPeer, b: MemoryPeer) => Promise<{ author: string; data: Uint8Array }>][] = [
      [
        'that names another provider than its author',
        'WRONG_SIGNER',
        async (a, b) => ({ author: b.network.peerId, data: await announcementBytes(a.privateKey, { sequence: 9n }) }),
      ],
      [
        'signed by another than the provider it names',
        'WRONG_SIGNER',
        async (a, b) => ({
          author: a.network.peerId,
          data: await announcementBytes(b.privateKey, { provider: a.network.peerId, sequence: 9n }),
        }),
      ],
      [
        'of another network',
        'WRONG_NETWORK',
        async (a) => ({
          author: a.network.peerId,
          data: await announcementBytes(a.privateKey, { network: 'other', sequence: 9n }),
        }),
      ],
      [
        'changed on the way',
        'BAD_SIGNATURE',
        async (a) => {
          const data = await announcementBytes(a.privateKey, { name: 'AAAA', sequence: 9n })
          data.set(Buffer.from('BBBB'), Buffer.from(data).indexOf('AAAA'))
          return { author: a.network.peerId, data }
        },
      ],
      ['that is none', 'MALFORMED', async (a) => ({ author: a.network.peerId, data: Buffer.from('nonsense') })],
      [
        'heard before',
        'REPLAYED',
        async (a) => ({ author: a.network.peerId, data: await announcementBytes(a.privateKey, { sequence: 5n }) }),
      ],
      [
        'older than one heard before',
        'REPLAYED',
        async (a) => ({ author: a.network.peerId, data: await announcementBytes(a.privateKey, { sequence: 4n }) }),
      ],
      [
        'of an earlier process of the provider',
        'REPLAYED',
        async (a) => ({
          author: a.network.peerId,
          data: await announcementBytes(a.privateKey, { incarnation: 999n, sequence: 9n }),
        }),
      ],
    ]
    for (const [what, reason, make] of cases) {
      it(what, async (test) => {
        const { hub, directory } = createWorld(test)
        const watcher = await directory()
        const [a, b] = [await hub.join(), await hub.join()]
        await a.network.publish('announcements', await announcementBytes(a.privateKey, { sequence: 5n }))
        await hub.settled()
        const before = watcher.list()
        const { author, data } = await make(a, b)
        hub.inject('announcements', data, author, [watcher.peer])
        await hub.settled()
        assert.deepEqual(watcher.peer.network.counters().refused, { [reason]: 1 })
        assert.equal(watcher.list(), before)
      })
    }
  })
})

describe('the exchange of a newcomer', () => {
  it('brings what its neighbours know, with its age', async (test) => {
    const { hub, clock, directory } = createWorld(test)
    const old = await directory()
    const names = ['gone', 'late', 'here']
    const providers: MemoryPeer[] = []
    for (const name of names) {
      const provider = await hub.join()
      providers.push(provider)
      await provider.network.publish('announcements', await announcementBytes(provider.privateKey, { name }))
      await hub.settled()
      await clock.advance(name === 'gone' ? 40_000 : 18_500)
    }
    assert.deepEqual(statuses(old), ['gone offline', 'late degraded', 'here degraded'])
    for (const provider of providers) provider.leave()

    const newcomer = await directory()
    await until(() => newcomer.list().length === 2)
    assert.deepEqual(statuses(newcomer).sort(), ['here degraded', 'late degraded'])
    const here = newcomer.list().find(({ name }) => name === 'here')
    assert.equal(here?.lastSeenMs, clock.nowMs() - 18_500)
    await clock.advance(30_000)
    assert.deepEqual(statuses(newcomer).sort(), ['here offline', 'late offline'])
  })

  it('tells this peer’s own announcement, published through the directory', async (test) => {
    const { hub, directory } = createWorld(test)
    const seller = await directory()
    await seller.announce(await announcementBytes(seller.peer.privateKey))
    await hub.settled()
    const newcomer = await directory()
    await until(() => newcomer.list().length === 1)
    assert.equal(newcomer.list()[0]?.provider, seller.peer.network.peerId)
  })

  it('asks a few neighbours, and others where one does not answer', async (test) => {
    const { hub, directory } = createWorld(test)
    const asked: string[] = []
    for (let index = 0; index < 8; index += 1) {
      const neighbour = await hub.join()
      neighbour.network.handle(
        Protocol.directory,
        async (channel) => {
          await channel.receive()
          asked.push(neighbour.network.peerId)
          if (index < 2) throw new Error('out of order')
          await channel.send(encode(DirectoryReplySchema, {}))
          await channel.close()
        },
        { maxMessageBytes: 1_024 },
      )
    }
    await directory()
    await until(() => asked.length === 5)
    await hub.settled()
    assert.equal(new Set(asked).size, 5)
  })

  it('has no answer for another network, and none for one who asks on and on', async (test) => {
    const { hub, directory } = createWorld(test)
    const old = await directory()
    await old.announce(await announcementBytes(old.peer.privateKey))
    const curious = await hub.join()
    const ask = async (network: string): Promise<number | null> => {
      const options = { maxMessageBytes: MAX_DIRECTORY_BYTES }
      const channel = await curious.network.open(old.peer.network.peerId, Protocol.directory, options)
      await channel.send(encode(DirectoryRequestSchema, { network }))
      const reply = await channel.receive()
      await channel.close()
      return reply === null ? null : decode(DirectoryReplySchema, reply, MAX_DIRECTORY_BYTES).entries.length
    }
    assert.equal(await ask('other'), null)
    for (let count = 1; count < 60; count += 1) assert.equal(await ask('test'), 1)
    await assert.rejects(ask('test'))
    assert.equal(old.peer.network.counters().refused['penalty:directory: RATE'], 1)
  })

  const lies: [string, string, (teller: MemoryPeer, other: MemoryPeer) => Promise<SignedStatement[]>][] = [
    [
      'a signature that does not fit',
      'BAD_SIGNATURE',
      async (teller) => {
        const statement = await announcementOf(teller.privateKey)
        return [{ ...statement, signature: statement.signature.map((byte) => byte ^ 1) }]
      },
    ],
    [
      'an announcement in the name of another',
      'WRONG_SIGNER',
      async (teller, other) => [await announcementOf(teller.privateKey, { provider: other.network.peerId })],
    ],
    [
      'more than an answer holds',
      'TOO_LARGE',
      async () => Array.from({ length: 257 }, () => create(SignedStatementSchema)),
    ],
  ]
  for (const [what, code, make] of lies) {
    it(`takes nothing from one who tells ${what}`, async (test) => {
      const { hub, directory } = createWorld(test)
      const [liar, other] = [await hub.join(), await hub.join()]
      const told = await make(liar, other)
      liar.network.handle(
        Protocol.directory,
        async (channel) => {
          await channel.receive()
          await channel.send(encode(DirectoryReplySchema, { entries: told.map((announcement) => ({ announcement })) }))
          await channel.close()
        },
        { maxMessageBytes: 1_024 },
      )
      const newcomer = await directory()
      await until(() => newcomer.peer.network.counters().refused[`penalty:directory: ${code}`] === 1)
      assert.deepEqual(newcomer.list() satisfies ProviderView[], [])
    })
  }
})
