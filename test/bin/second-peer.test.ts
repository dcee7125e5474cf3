import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { secondPeer } from '../../bin/second-peer.ts'
import { CliError } from '../../node/commands/cli-error.ts'

describe('the agent’s peer beside a gateway', () => {
  it('entry 34: listens and announces as the flags say, at the next port that is free', () => {
    for (const [listen, announce, expected] of [
      [['/ip4/127.0.0.1/tcp/14100'], undefined, { listen: ['/ip4/127.0.0.1/tcp/14101'] }],
      [['/ip4/0.0.0.0/tcp/13100'], undefined, { listen: ['/ip4/0.0.0.0/tcp/13101'] }],
      [['/ip4/127.0.0.1/tcp/0'], undefined, { listen: ['/ip4/127.0.0.1/tcp/0'] }],
      [['/ip6/::1/tcp/14100'], undefined, { listen: ['/ip6/::1/tcp/14101'] }],
      [
        ['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.2/tcp/2'],
        undefined,
        { listen: ['/ip4/10.0.0.1/tcp/3', '/ip4/10.0.0.2/tcp/4'] },
      ],
      [
        ['/ip4/0.0.0.0/tcp/13100'],
        ['/ip4/203.0.113.9/tcp/13101', '/dns4/home.example.org/tcp/20000/p2p/12D3KooW'],
        {
          listen: ['/ip4/0.0.0.0/tcp/13102'],
          announce: ['/ip4/203.0.113.9/tcp/13103', '/dns4/home.example.org/tcp/20002'],
        },
      ],
    ] as const) {
      const given = { listen: [...listen], ...(announce === undefined ? {} : { announce: [...announce] }) }
      assert.deepEqual(secondPeer(given), expected, listen.join())
    }
  })

  it('entry 34: takes what is said of it alone, and says where there is no next port', () => {
    const own = { listen: ['/ip4/127.0.0.1/tcp/7'], announce: ['/ip4/203.0.113.9/tcp/8'] }
    assert.deepEqual(secondPeer({ listen: ['/ip4/127.0.0.1/tcp/65535'] }, own), own)
    assert.throws(() => secondPeer({ listen: ['/ip4/127.0.0.1/tcp/65535'] }), CliError)
  })
})
