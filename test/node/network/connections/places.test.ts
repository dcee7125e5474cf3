import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Connection, PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createRefusals } from '../../../../node/network/bounds/refusals.ts'
import { createPlaces, type PlacesInit } from '../../../../node/network/connections/places.ts'
import { createSimClock } from '../../../support/sim-clock.ts'

/** A host whose connections a test makes; one that is displaced is gone. */
function hosted(init: PlacesInit) {
  const clock = createSimClock()
  const refusals = createRefusals()
  const open = new Map<string, Connection>()
  const kept = new Set<string>()
  const places = createPlaces(
    { refusals, clock, connections: () => [...open.values()], isKept: (peer) => kept.has(peer.toString()) },
    init,
  )
  let count = 0
  const join = (name: string, at: string, protocols: string[], direction: Connection['direction']): void => {
    const connection = {
      remotePeer: { toString: () => name } as PeerId,
      remoteAddr: multiaddr(at),
      direction,
      streams: protocols.map((protocol) => ({ protocol })),
      abort() {
        open.delete(name)
        places.left(name)
      },
    } as unknown as Connection
    open.set(name, connection)
    places.opened(connection)
  }
  return {
    ...{ clock, places, refusals, kept },
    /** Comes in from there, after a while; whether it got a place. */
    async comes(at: string, { name = `peer-${++count}`, streams = [] as string[], afterMs = 1_000 } = {}) {
      await clock.advance(afterMs)
      const admitted = places.admits(multiaddr(at))
      if (admitted) join(name, at, ['/ipfs/id/1.0.0', '/meshsub/1.2.0', ...streams], 'inbound')
      return admitted
    },
    dialled: (name: string, at: string) => join(name, at, [], 'outbound'),
    there: () => [...open.keys()],
  }
}

const LEASE = '/cortex/lease/1.0.0'

describe('places for peers that come in', () => {
  for (const [where, at] of [
    ['one machine', () => '/ip4/127.0.0.1/tcp/1'],
    ['a private network', (n: number) => `/ip4/10.0.0.${n % 250}/tcp/1`],
    ['behind a carrier’s NAT', () => '/ip4/100.64.3.4/tcp/1'],
    ['one public address', () => '/ip4/8.8.8.8/tcp/1'],
    ['one public network', (n: number) => `/ip4/8.8.8.${n % 250}/tcp/1`],
    ['one site of IPv6', (n: number) => `/ip6/2600:1:2:3::${n + 1}/tcp/1`],
    ['everywhere', (n: number) => `/ip4/9.${n >> 8}.${n & 255}.1/tcp/1`],
  ] as const) {
    it(`entry 13: 330 idle peers, of ${where}, keep no newcomer out of 300 places`, async () => {
      const host = hosted({ places: 300, placesPerAddress: 60 })
      for (let n = 0; n < 330; n += 1) await host.comes(at(n), { afterMs: 20 })
      await host.clock.advance(5_000)
      for (let n = 0; n < 20; n += 1) {
        assert.ok(await host.comes('/ip4/9.255.9.9/tcp/1', { name: `honest-${n}` }), `newcomer ${n}`)
        assert.ok(await host.comes(at(1), { name: `neighbour-${n}` }), `a newcomer from there ${n}`)
      }
      assert.ok(host.there().length <= 300)
      assert.ok(host.there().filter((name) => name.startsWith('honest')).length === 20, 'and they stay')
    })
  }

  it('entry 13: one public address, and its network, come to hold no more than their share', async () => {
    for (const [at, most] of [
      [() => '/ip4/8.8.8.8/tcp/1', 10],
      [() => '/ip6/::ffff:808:808/tcp/1', 10],
      [(n: number) => `/ip6/2600:1:2:3::${n}/tcp/1`, 10],
      [(n: number) => `/ip4/8.8.8.${n}/tcp/1`, 20],
      [(n: number) => `/ip6/2600:1:2:${n}::1/tcp/1`, 20],
      [() => '/ip4/127.0.0.1/tcp/1', 50],
      [() => '/ip6/fd00::1/tcp/1', 50],
      // What comes over a relay bears the relay's address.
      [() => '/ip4/8.8.8.8/tcp/1/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN/p2p-circuit', 50],
    ] as const) {
      const host = hosted({ places: 50, placesPerAddress: 10 })
      for (let n = 1; n <= 60; n += 1) await host.comes(at(n))
      assert.equal(host.there().length, most, at(1))
    }
  })

  it('entry 13: who is of use stays, and of the others who has been idle for longest goes first', async () => {
    const host = hosted({ places: 6, placesPerAddress: 6 })
    const at = '/ip4/127.0.0.1/tcp/1'
    host.kept.add('bootstrap')
    host.dialled('dialled', at)
    for (const name of ['bootstrap', 'seller', 'idle', 'idle-too']) await host.comes(at, { name })
    await host.comes(at, { name: 'follower', streams: [LEASE] })
    host.places.used('seller')
    await host.clock.advance(60_000)
    for (const [newcomer, goes] of [
      ['a', 'idle'],
      ['b', 'idle-too'],
      ['c', 'a'],
    ]) {
      assert.ok(await host.comes(at, { name: newcomer ?? '', afterMs: 10_000 }))
      assert.ok(!host.there().includes(goes ?? ''), goes)
    }
    assert.deepEqual(host.there().toSorted(), ['bootstrap', 'c', 'b', 'dialled', 'follower', 'seller'].toSorted())
    host.places.used('b')
    host.places.used('c')
    assert.ok(await host.comes(at, { name: 'd', afterMs: 10_000 }))
    assert.ok(!host.there().includes('seller'), 'it did something, and longest ago')
  })

  it('entry 13: where all are of use nobody goes, and where many honest ones come back again and again few do', async () => {
    const busy = hosted({ places: 3, placesPerAddress: 3 })
    for (let n = 0; n < 3; n += 1) await busy.comes('/ip4/10.0.0.1/tcp/1', { streams: [LEASE] })
    assert.equal(await busy.comes('/ip4/10.0.0.2/tcp/1', { afterMs: 60_000 }), false)
    assert.deepEqual(busy.refusals.totals(), { 'connection:full': 1 })

    const full = hosted({ places: 100, placesPerAddress: 100 })
    for (let n = 0; n < 100; n += 1) await full.comes('/ip4/10.0.0.1/tcp/1')
    await full.clock.advance(60_000)
    let admitted = 0
    for (let n = 0; n < 500; n += 1) admitted += Number(await full.comes('/ip4/10.0.0.1/tcp/1', { afterMs: 20 }))
    assert.ok(admitted <= 65, `${admitted} in 10 s`)
  })
})
