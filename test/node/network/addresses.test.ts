import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { sortForDialling } from '../../../node/network/addresses/dialled.ts'
import { dialTargets, peerIdOf, toldAddresses } from '../../../node/network/addresses.ts'
import { MAX_ADDRESSES } from '../../../protocol/limits.ts'

const PEER = '12D3KooWGzBXwNHB3cXmXsCLzHCLcTAzGHXcMEeeWkTvLxNVBgDz'
const OTHER = '12D3KooWNvSZnPi3RrhrTwEY4LuuBeB6K6facKUCJcyWG1aoDd2p'

describe('the addresses that a peer names', () => {
  const dialled = [
    '/ip4/127.0.0.1/tcp/4001',
    '/ip4/192.168.1.7/tcp/1',
    '/ip6/2001:db8::1/tcp/65535',
    '/dns/node.example.org/tcp/4001',
    '/dns4/node.example.org/tcp/4001',
    '/dns6/node.example.org/tcp/4001',
  ]
  for (const address of dialled) {
    it(`are dialled, and who answers must prove to be it: ${address}`, () => {
      const expected = [`${address}/p2p/${PEER}`]
      assert.deepEqual(dialTargets(PEER, [address]).map(String), expected)
      assert.deepEqual(dialTargets(PEER, expected).map(String), expected)
    })
  }

  const passedOver = [
    '',
    'nonsense',
    'http://127.0.0.1/',
    '/ip4/127.0.0.1',
    '/ip4/127.0.0.1/udp/4001',
    '/ip4/127.0.0.1/tcp/0',
    '/ip4/127.0.0.1/tcp/70000',
    '/ip4/127.0.0.1/tcp/4001/ws',
    '/ip4/0.0.0.0/tcp/4001',
    '/ip6/::/tcp/4001',
    '/ip4/255.255.255.255/tcp/4001',
    '/ip4/169.254.169.254/tcp/80',
    '/ip6/fe80::1/tcp/4001',
    '/ip6/febf::1/tcp/4001',
    '/ip6zone/eth0/ip6/fe80::1/tcp/4001',
    '/ip4/168.63.129.16/tcp/80',
    '/ip4/100.100.100.200/tcp/80',
    '/ip4/192.0.0.192/tcp/80',
    '/ip4/224.0.0.1/tcp/80',
    '/ip6/fd00:ec2::254/tcp/80',
    '/ip6/::ffff:169.254.169.254/tcp/80',
    '/ip6/::169.254.169.254/tcp/80',
    '/ip6/64:ff9b::169.254.169.254/tcp/80',
    '/ip6/64:ff9b:1::a9fe:a9fe/tcp/80',
    '/ip6/2002:a9fe:a9fe::1/tcp/80',
    '/dns/169.254.169.254/tcp/80',
    '/dns4/169.254.169.254/tcp/80',
    '/dns4/127.0.0.1/tcp/80',
    '/dns4/0xa9fea9fe/tcp/80',
    '/dns4/0251.0376.0251.0376/tcp/80',
    '/dns4/2852039166/tcp/80',
    '/dns6/::ffff:a9fe:a9fe/tcp/80',
    '/dns4/metadata.example.org/tcp/80/ws',
    '/dns4/metadata.example.org/tcp/443/wss',
    '/dns4/metadata.example.org/tcp/80/http',
    '/dns4/metadata.example.org/udp/80',
    '/dnsaddr/bootstrap.example.org/tcp/4001',
    '/dnsaddr/bootstrap.example.org',
    '/unix/var/run/docker.sock',
    `/p2p/${PEER}`,
    `/ip4/127.0.0.1/tcp/4001/p2p/${OTHER}`,
    `/ip4/127.0.0.1/tcp/4001/p2p/${OTHER}/p2p-circuit/p2p/${PEER}`,
  ]
  for (const address of passedOver) {
    it(`are passed over: ${JSON.stringify(address)}`, () => {
      assert.deepEqual(dialTargets(PEER, [address]).map(String), [])
    })
  }

  const RELAY = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'
  const overRelays: [address: string, connected: boolean, unconnected: boolean][] = [
    [`/ip4/8.8.4.4/tcp/13100/p2p/${RELAY}/p2p-circuit`, true, true],
    [`/ip6/2600::1/tcp/13100/p2p/${RELAY}/p2p-circuit`, true, true],
    // nobody sends us to what only we can reach
    [`/ip4/127.0.0.1/tcp/22/p2p/${RELAY}/p2p-circuit`, true, false],
    [`/ip4/10.0.0.1/tcp/80/p2p/${RELAY}/p2p-circuit`, true, false],
    [`/ip4/192.168.1.1/tcp/80/p2p/${RELAY}/p2p-circuit`, true, false],
    [`/ip4/100.64.0.1/tcp/80/p2p/${RELAY}/p2p-circuit`, true, false],
    [`/ip4/169.254.169.254/tcp/80/p2p/${RELAY}/p2p-circuit`, true, false],
    [`/ip6/::1/tcp/80/p2p/${RELAY}/p2p-circuit`, true, false],
    [`/ip6/fd00::1/tcp/80/p2p/${RELAY}/p2p-circuit`, true, false],
    [`/ip6/::ffff:7f00:1/tcp/80/p2p/${RELAY}/p2p-circuit`, true, false],
    [`/dns4/localhost/tcp/80/p2p/${RELAY}/p2p-circuit`, true, false],
    [`/dns4/relay.example.org/tcp/13100/p2p/${RELAY}/p2p-circuit`, true, false],
    // what is no relay, or more than one
    ['/ip4/8.8.4.4/tcp/13100/p2p-circuit', false, false],
    [`/ip4/8.8.4.4/tcp/13100/p2p/${PEER}/p2p-circuit`, false, false],
    [`/ip4/8.8.4.4/tcp/13100/p2p/${RELAY}/p2p-circuit/p2p/${OTHER}/p2p-circuit`, false, false],
    [`/ip4/8.8.4.4/tcp/13100/p2p/${RELAY}/p2p-circuit/ip4/127.0.0.1/tcp/22`, false, false],
    [`/ip4/8.8.4.4/tcp/13100/p2p/${RELAY}/p2p-circuit/p2p/${OTHER}`, false, false],
  ]
  for (const [address, connected, unconnected] of overRelays) {
    it(`lead over a relay that is known or public, and over one: ${address}`, () => {
      const target = address.endsWith(OTHER) ? address : `${address}/p2p/${PEER}`
      const expected = (dialled: boolean) => (dialled ? [target] : [])
      assert.deepEqual(dialTargets(PEER, [address], (relay) => relay === RELAY).map(String), expected(connected))
      assert.deepEqual(dialTargets(PEER, [address]).map(String), expected(unconnected))
    })
  }

  it('are tried in the order in which they are likely to answer', () => {
    const inOrder = [
      '/ip4/127.0.0.1/tcp/1',
      '/ip4/8.8.4.4/tcp/1',
      `/ip4/8.8.4.4/tcp/1/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`,
      '/ip4/240.0.0.7/tcp/1',
    ]
    const sorted = inOrder.map((text) => ({ multiaddr: multiaddr(text) })).reverse()
    assert.deepEqual(
      sorted.sort(sortForDialling).map(({ multiaddr }) => multiaddr.toString()),
      inOrder,
    )
  })

  it('are tried once each, and not without end', () => {
    const many = Array.from({ length: 50 }, (_, index) => `/ip4/127.0.0.1/tcp/${1_000 + (index >> 1)}`)
    assert.deepEqual(
      dialTargets(PEER, many).map(String),
      Array.from({ length: 8 }, (_, index) => `/ip4/127.0.0.1/tcp/${1_000 + index}/p2p/${PEER}`),
    )
  })

  it('tell the peer id where they end in one', () => {
    assert.equal(peerIdOf(`/ip4/127.0.0.1/tcp/4001/p2p/${PEER}`), PEER)
    assert.equal(peerIdOf('/ip4/127.0.0.1/tcp/4001'), undefined)
  })
})

it('a machine with many addresses tells as many as a message may name, its public ones and those over relays for sure', () => {
  const relayed = `/ip4/8.8.8.8/tcp/1/p2p/${OTHER}/p2p-circuit/p2p/${PEER}`
  const own = ['/ip4/127.0.0.1/tcp/1', '/ip4/192.168.1.7/tcp/1']
  const bridges = Array.from({ length: 40 }, (_, i) => `/ip4/172.17.${i}.1/tcp/1`)
  const told = toldAddresses([...own, ...bridges, '/ip4/9.9.9.9/tcp/1', relayed].map((text) => multiaddr(text)))
  assert.deepEqual(told, ['/ip4/9.9.9.9/tcp/1', relayed, ...own, ...bridges.slice(0, MAX_ADDRESSES - 4)])
})
