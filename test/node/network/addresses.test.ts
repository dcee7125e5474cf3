import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialTargets, peerIdOf } from '../../../node/network/addresses.ts'

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
    '/dnsaddr/bootstrap.example.org/tcp/4001',
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
