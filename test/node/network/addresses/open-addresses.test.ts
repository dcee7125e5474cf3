import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CircuitRelayTransportComponents } from '@libp2p/circuit-relay-v2'
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createOpenAddresses } from '../../../../node/network/addresses/open-addresses.ts'

const IP4 = '/ip4/8.8.4.4/tcp/13100'
const IP6 = '/ip6/2600::7/tcp/13100'
const RELAY = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
const OWN = ['/ip4/127.0.0.1/tcp/13100', '/ip4/192.168.1.7/tcp/13100', '/ip6/fd00::7/tcp/13100', IP4, IP6]

function opened(direction: Connection['direction'], address: string): Connection {
  return { direction, remoteAddr: multiaddr(address) } as Connection
}

describe('the public addresses of a machine', () => {
  const cases: [what: string, connections: Connection[], told: string[]][] = [
    ['are told at once with IPv4', [], [IP4]],
    ['are told with IPv6 when somebody came in', [opened('inbound', '/ip6/2600:1::1/tcp/9')], [IP4, IP6]],
    ['are not told with IPv6 for a connection that went out', [opened('outbound', '/ip6/2600:1::1/tcp/9')], [IP4]],
    ['are not told with IPv6 for one from the LAN', [opened('inbound', '/ip6/fd00::1/tcp/9')], [IP4]],
    [
      'are not told with IPv6 for one over a relay',
      [opened('inbound', `/ip6/2600:1::1/tcp/9/p2p/${RELAY}/p2p-circuit`)],
      [IP4],
    ],
    ['are not told with IPv6 for one over IPv4', [opened('inbound', '/ip4/8.8.8.8/tcp/9')], [IP4]],
  ]
  for (const [what, connections, told] of cases) {
    it(what, () => {
      const confirmed: string[] = []
      const { confirm, opened } = createOpenAddresses({
        addressManager: { confirmObservedAddr: (address: unknown) => confirmed.push(String(address)) },
        transportManager: { getAddrs: () => OWN.map((text) => multiaddr(text)) },
      } as unknown as CircuitRelayTransportComponents)
      for (const connection of connections) opened(connection)
      confirm()
      assert.deepEqual(confirmed, told)
    })
  }
})
