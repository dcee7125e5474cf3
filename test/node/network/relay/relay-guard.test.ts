import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CircuitRelayService, RelayReservation } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createRefusals } from '../../../../node/network/bounds/refusals.ts'
import { createRelayGuard } from '../../../../node/network/relay/relay-server.ts'
import { DEFAULT_RELAY_LIMITS, type RelayLimits } from '../../../../node/network/relay-limits.ts'

async function newPeer(): Promise<PeerId> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
}

/** A guard of a relay whose peers come from the addresses that they are given. */
function guarded(limits: Partial<RelayLimits> = {}) {
  const addresses = new Map<string, string>()
  const held = new Map<string, { peer: PeerId; cleared: boolean }>()
  const refused = new Set<string>()
  const refusals = createRefusals()
  const reservations = {
    has: (peer: PeerId) => held.has(peer.toString()),
    get: (peer: PeerId) => {
      const place = held.get(peer.toString())
      return (
        place && ({ signal: { clear: () => Object.assign(place, { cleared: true }) } } as unknown as RelayReservation)
      )
    },
    delete: (peer: PeerId) => held.delete(peer.toString()),
    keys: () => [...held.values()].map(({ peer }) => peer).values(),
  }
  const guard = createRelayGuard(
    {
      refusals,
      isRefused: (peer) => refused.has(peer),
      connections: (peer) =>
        [{ remoteAddr: multiaddr(addresses.get(peer.toString()) ?? '/ip4/198.51.100.1/tcp/1') }] as Connection[],
      service: () => ({ reservations }) as unknown as CircuitRelayService,
    },
    { ...DEFAULT_RELAY_LIMITS, ...limits },
  )
  return {
    ...{ guard, refused, refusals, held },
    async asks(address: string): Promise<boolean> {
      const peer = await newPeer()
      addresses.set(peer.toString(), address)
      const denied = guard.gater.denyInboundRelayReservation?.(peer)
      if (denied === false) held.set(peer.toString(), { peer, cleared: false })
      return denied === false
    },
  }
}

describe('places at a relay', () => {
  const sites: [what: string, address: (n: number) => string, elsewhere: string][] = [
    ['one IPv4 address', (n) => `/ip4/198.51.100.7/tcp/${n + 1}`, '/ip4/198.51.100.8/tcp/1'],
    ['the same address written as IPv6', (n) => `/ip6/::ffff:c633:6407/tcp/${n + 1}`, '/ip4/198.51.100.8/tcp/1'],
    ['one site of IPv6', (n) => `/ip6/2001:db8:1:2::${n + 1}/tcp/1`, '/ip6/2001:db8:1:3::1/tcp/1'],
  ]
  for (const [what, address, elsewhere] of sites) {
    it(`are not all had by ${what}`, async () => {
      const { asks, refusals } = guarded()
      const given: boolean[] = []
      for (let n = 0; n < 40; n += 1) given.push(await asks(address(n)))
      assert.deepEqual(
        given,
        given.map((_, n) => n < 32),
      )
      assert.equal(await asks(elsewhere), true)
      assert.equal(refusals.totals()['relay:reservations'], 8)
    })
  }

  it('are kept by those who have one, and free when they go', async () => {
    const { asks, guard, held } = guarded()
    for (let n = 0; n < 32; n += 1) await asks(`/ip4/198.51.100.7/tcp/${n + 1}`)
    const [place] = held.values()
    assert.ok(place !== undefined)
    assert.equal(guard.gater.denyInboundRelayReservation?.(place.peer), false)
    guard.left(place.peer)
    assert.equal(place.cleared, true, 'its end must not end the next one')
    assert.equal(held.size, 31)
    assert.equal(await asks('/ip4/198.51.100.7/tcp/99'), true)
  })
})

describe('connections over a relay', () => {
  it('are not made for or to whom it refuses', async () => {
    const { guard, refused } = guarded()
    const [good, bad] = [await newPeer(), await newPeer()]
    refused.add(bad.toString())
    const denies = guard.gater.denyOutboundRelayedConnection
    assert.deepEqual([denies?.(good, bad), denies?.(bad, good), denies?.(good, await newPeer())], [true, true, false])
    assert.equal(guard.gater.denyInboundRelayReservation?.(bad), true)
  })

  it('are not all made for one peer, and no more in a minute than the relay was told', async () => {
    const { guard } = guarded({ connectionsPerMinute: 100 })
    const [greedy, modest, target] = [await newPeer(), await newPeer(), await newPeer()]
    const made = (source: PeerId, times: number): number =>
      Array.from({ length: times }, () => guard.gater.denyOutboundRelayedConnection?.(source, target)).filter(
        (denied) => denied === false,
      ).length
    assert.deepEqual([made(greedy, 200), made(modest, 50)], [64, 36])
  })
})
