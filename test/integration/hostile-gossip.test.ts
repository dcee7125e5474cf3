import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { type Clock, systemClock } from '../../node/clock.ts'
import { createDirectory } from '../../node/directory/directory.ts'
import { silentLogger } from '../../node/logger.ts'
import type { Libp2pNetwork } from '../../node/network/libp2p-network.ts'
import { readRequest } from '../../protocol/market-messages.ts'
import { WireError } from '../../protocol/wire-error.ts'
import { createReplayMemory } from '../../provider-agent/bidding/replay-memory.ts'
import { announcementBytes } from '../support/announcements.ts'
import { type GossipMessage, type HostilePeer, startHostilePeer } from '../support/hostile-peer.ts'
import { isJoined, sayUntil, startPeer } from '../support/libp2p-peers.ts'
import { requestBytes } from '../support/requests.ts'
import { until } from '../support/until.ts'

interface Scene {
  /** The only peer that knows everyone. */
  victim: Libp2pNetwork
  /** Honest, and an author. */
  author: Libp2pNetwork
  authorKey: PrivateKey
  /** What an honest third peer behind the victim heard, as `author data`. */
  heard: string[]
  observer: Libp2pNetwork
  hostile: HostilePeer
}

async function setTheScene(test: TestContext, clock: Clock = systemClock): Promise<Scene> {
  const victim = await startPeer(test, { clock })
  const replays = createReplayMemory({ clock: systemClock })
  victim.subscribe('requests', {
    validate(data, author) {
      const { requestId } = readRequest(data, 'test', Date.now())
      if (!replays.first(author, requestId)) throw new WireError('REPLAYED', 'Heard before')
      return 'accept'
    },
    deliver() {},
  })
  const directory = createDirectory(
    { network: victim, clock: systemClock, logger: silentLogger },
    { networkName: 'test' },
  )
  await directory.start()
  test.after(() => directory.stop())

  const heard: string[] = []
  const observer = await startPeer(test, { clock, listen: [], bootstrap: victim.addresses() })
  for (const topic of ['requests', 'announcements'] as const) {
    observer.subscribe(topic, {
      validate: () => 'accept',
      deliver: (data, author) => heard.push(asHeard({ peerId: author }, data)),
    })
  }
  const authorKey = await generateKeyPair('Ed25519')
  const author = await startPeer(test, { privateKey: authorKey, listen: [], bootstrap: victim.addresses() })
  await until(() => isJoined(author) && isJoined(observer) && victim.counters().listeners.requests === 2)
  let last = ''
  const say = async (id: number): Promise<void> => {
    const request = requestBytes(id)
    last = asHeard(author, request)
    await author.publish('requests', request)
  }
  await sayUntil(() => heard.length > 0, say)
  await until(() => heard.at(-1) === last)
  heard.length = 0
  const hostile = await startHostilePeer(test, victim)
  return { victim, author, authorKey, heard, observer, hostile }
}

/** Sends what is hostile, then something honest, and looks at what came of both. */
async function attack(
  scene: Scene,
  expected: Record<string, number>,
  send: (scene: Scene) => Promise<void>,
): Promise<void> {
  const before = scene.heard.length
  await send(scene)
  const reasons = Object.keys(expected)
  await until(() =>
    reasons.every((reason) => (scene.victim.counters().refused[reason] ?? 0) >= (expected[reason] ?? 0)),
  )
  await assertHonestTrafficGoesOn(scene)
  assert.equal(scene.heard.length, before + 1, 'the third peer heard the honest message alone')
  assert.deepEqual(scene.victim.counters().refused, expected)
  assert.deepEqual(scene.observer.counters().refused, {}, 'nor was it sent anything to refuse')
}

async function assertHonestTrafficGoesOn({ author, heard }: Scene): Promise<void> {
  const honest = requestBytes(255)
  await author.publish('requests', honest)
  const expected = asHeard(author, honest)
  await until(() => heard.includes(expected))
  assert.equal(heard.at(-1), expected)
}

describe('a hostile peer', () => {
  const cases: [string, Record<string, number>, (scene: Scene) => Promise<GossipMessage>][] = [
    [
      'cannot speak in the name of another',
      { invalid_peerid: 1 },
      async ({ hostile, authorKey }) =>
        await hostile.message('requests', requestBytes(1), { from: multihash(authorKey) }),
    ],
    [
      'cannot speak in the name of another with its key and a signature of its own',
      { invalid_signature: 1 },
      async ({ hostile, authorKey }) => {
        const { key: _own, ...message } = await hostile.message('requests', requestBytes(1), {
          from: multihash(authorKey),
        })
        return message
      },
    ],
    [
      'cannot send anything unsigned',
      { invalid_signature: 1 },
      async ({ hostile }) => {
        const { signature: _none, ...message } = await hostile.message('requests', requestBytes(1))
        return message
      },
    ],
    [
      'cannot change what was signed',
      { invalid_signature: 1 },
      async ({ hostile }) => await hostile.message('requests', requestBytes(1), { after: { data: requestBytes(2) } }),
    ],
    [
      'cannot leave out the number of a message',
      { invalid_seqno: 1 },
      async ({ hostile }) => await hostile.message('requests', requestBytes(1), { seqno: undefined }),
    ],
    [
      'cannot send more than a gossip message holds',
      { TOO_LARGE: 1 },
      async ({ hostile }) => await hostile.message('requests', new Uint8Array(8 * 1024 + 1)),
    ],
    [
      'cannot send what is no request',
      { MALFORMED: 1 },
      async ({ hostile }) => await hostile.message('requests', Buffer.from([0xff, 0xff, 0xff])),
    ],
    [
      'cannot ask in another network',
      { WRONG_NETWORK: 1 },
      async ({ hostile }) => await hostile.message('requests', requestBytes(1, { network: 'other' })),
    ],
    [
      'cannot play an old request again',
      { STALE: 1 },
      async ({ hostile }) =>
        await hostile.message('requests', requestBytes(1, { createdAtMs: BigInt(Date.now() - 3 * 3_600_000) })),
    ],
    [
      'cannot announce another provider with a key of its own',
      { WRONG_SIGNER: 1 },
      async ({ hostile, author }) => {
        const data = await announcementBytes(hostile.privateKey, { provider: author.peerId })
        return await hostile.message('announcements', data)
      },
    ],
    [
      'cannot bring another’s announcement as its own message',
      { WRONG_SIGNER: 1 },
      async ({ hostile, authorKey }) => await hostile.message('announcements', await announcementBytes(authorKey)),
    ],
    [
      'cannot relay what a peer with another kind of key wrote',
      { KEY_TYPE: 1 },
      async ({ hostile }) => {
        const signer = await generateKeyPair('secp256k1')
        return await hostile.message('requests', requestBytes(1), { from: multihash(signer), signer })
      },
    ],
  ]
  for (const [what, expected, make] of cases) {
    it(what, async (test) => {
      await attack(await setTheScene(test), expected, async (scene) => scene.hostile.send(await make(scene)))
    })
  }

  it('cannot play requests and announcements again under new numbers', async (test) => {
    const scene = await setTheScene(test)
    const { hostile, heard } = scene
    const request = requestBytes(1)
    const announcement = await announcementBytes(hostile.privateKey)
    hostile.send(await hostile.message('requests', request), await hostile.message('announcements', announcement))
    await until(() => heard.length === 2)
    await attack(scene, { REPLAYED: 4 }, async () => {
      for (let again = 0; again < 2; again += 1) {
        hostile.send(await hostile.message('requests', request), await hostile.message('announcements', announcement))
      }
    })
  })

  it('cannot break the reading of gossip with bytes that are none', async (test) => {
    await attack(await setTheScene(test), { frame_malformed: 2 }, async ({ hostile }) => {
      hostile.sendFrame(Buffer.from('this is no frame of gossip'))
      hostile.sendFrame(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]))
    })
  })

  it('cannot send a frame without end', async (test) => {
    await attack(await setTheScene(test), { frame_unreadable: 1 }, async ({ hostile }) => {
      hostile.sendFrame(new Uint8Array(2 * 1024 * 1024))
    })
  })

  it('is held to its share, and takes nothing from others', async (test) => {
    // Shares come back as time goes by, so here it does not.
    const scene = await setTheScene(test, { ...systemClock, monotonicMs: () => 0 })
    const { hostile, victim, heard } = scene
    const before = victim.counters().delivered
    const messages: GossipMessage[] = []
    for (let index = 0; index < 1_050; index += 1) {
      const requestId = Buffer.alloc(16)
      requestId.writeUInt32BE(index)
      messages.push(await hostile.message('requests', requestBytes(0, { requestId })))
    }
    for (let index = 0; index < messages.length; index += 50) hostile.send(...messages.slice(index, index + 50))
    await until(() => victim.counters().delivered - before + (victim.counters().refused.RATE ?? 0) >= messages.length)
    assert.deepEqual(victim.counters().refused, { RATE: 50 })
    await until(() => heard.length === 1_000)
    await assertHonestTrafficGoesOn(scene)
  })

  it('that goes on and on is disconnected and refused', async (test) => {
    const scene = await setTheScene(test)
    const { hostile, victim } = scene
    for (let index = 0; index < 16; index += 1) {
      hostile.send(await hostile.message('requests', requestBytes(index), { from: multihash(scene.authorKey) }))
    }
    await until(() => !hostile.isConnected())
    await assert.rejects(async () => {
      await hostile.connect()
      await until(() => !hostile.isConnected())
      throw new Error('disconnected again')
    })
    assert.equal(victim.counters().refused.peer_refused, 1)
    await until(() => (victim.counters().refused['connection:refused_peer'] ?? 0) >= 1)
    await assertHonestTrafficGoesOn(scene)
  })

  it('that leaves before its score is too low, and comes back, is refused all the same', async (test) => {
    const scene = await setTheScene(test)
    const { hostile, victim } = scene
    for (let times = 1; times <= 5; times += 1) {
      if (!hostile.isConnected()) await hostile.connect()
      hostile.send(await hostile.message('requests', requestBytes(times), { from: multihash(scene.authorKey) }))
      await until(() => victim.counters().refused.invalid_peerid === times)
      await hostile.disconnect()
      await until(() => victim.counters().refused['penalty:gossip: INVALID'] === times)
    }
    assert.equal(victim.counters().refused.peer_refused, 1)
    await hostile.connect().catch(() => undefined)
    await until(() => (victim.counters().refused['connection:refused_peer'] ?? 0) >= 1)
    await assertHonestTrafficGoesOn(scene)
  })

  it('with another kind of key is not let in', async (test) => {
    const scene = await setTheScene(test)
    const stranger = await startHostilePeer(test, scene.victim, 'secp256k1')
    await assert.rejects(async () => {
      await stranger.connect()
      await until(() => !stranger.isConnected())
      throw new Error('disconnected')
    })
    await until(() => (scene.victim.counters().refused['connection:key_type'] ?? 0) >= 1)
    await assertHonestTrafficGoesOn(scene)
  })
})

function asHeard(author: { peerId: string }, data: Uint8Array): string {
  return `${author.peerId} ${Buffer.from(data).toString('base64')}`
}

function multihash(key: PrivateKey): Uint8Array {
  return peerIdFromPrivateKey(key).toMultihash().bytes
}
