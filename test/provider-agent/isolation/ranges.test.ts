import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import ipaddr from 'ipaddr.js'
import { closedRanges } from '../../../node/network/open-address.ts'
import { isPublicAddress } from '../../../node/network/public-address.ts'
import { ownNetworks } from '../../../provider-agent/isolation/ranges.ts'

const isClosed = (address: string): boolean =>
  closedRanges.some((range) => ipaddr.IPv4.parse(address).match(ipaddr.IPv4.parseCIDR(range)))

describe('ranges', () => {
  const addresses: [address: string, isPublic: boolean][] = [
    ['1.1.1.1', true],
    ['9.255.255.255', true],
    ['100.63.255.255', true],
    ['100.128.0.0', true],
    ['169.253.255.255', true],
    ['172.15.255.255', true],
    ['172.32.0.0', true],
    ['192.167.255.255', true],
    ['198.17.255.255', true],
    ['198.20.0.0', true],
    ['223.255.255.255', true],
    ['0.0.0.0', false],
    ['10.0.0.0', false],
    ['10.255.255.255', false],
    ['100.64.0.0', false],
    ['100.100.100.200', false], // The metadata service of a cloud.
    ['127.0.0.53', false],
    ['169.254.169.254', false],
    ['172.16.0.0', false],
    ['172.31.255.255', false],
    ['192.0.0.192', false], // Another’s.
    ['192.168.255.255', false],
    ['198.18.0.0', false],
    ['198.19.255.255', false],
    ['224.0.0.251', false],
    ['240.0.0.1', false],
    ['255.255.255.255', false],
  ]
  for (const [address, open] of addresses) {
    it(`${address} is ${open ? 'open' : 'closed'}, and a name server there is ${open ? '' : 'not '}public`, () => {
      assert.equal(isClosed(address), !open)
      assert.equal(isPublicAddress(address), open)
    })
  }

  it('what is no address is not public', () => {
    for (const text of ['', 'localhost', '1.1.1.1.1', '::1', 'fe80::1', 'fd00::1', '::ffff:10.0.0.1']) {
      assert.equal(isPublicAddress(text), false, text)
    }
  })

  const on = (...cidrs: (string | null)[]) =>
    cidrs.map((cidr) => ({ family: cidr?.includes(':') === true ? 'IPv6' : 'IPv4', cidr }))
  const cases: [what: string, interfaces: Parameters<typeof ownNetworks>[0], networks: string[]][] = [
    ['a LAN of public addresses', { eth0: on('198.51.100.7/24') }, ['198.51.100.0/24']],
    [
      'the larger and the smaller',
      { eth0: on('203.0.113.200/25', '198.51.100.7/22') },
      ['198.51.100.0/22', '203.0.113.128/25'],
    ],
    [
      'one that is closed already',
      { eth0: on('192.168.1.7/24'), lo: on('127.0.0.1/8'), docker0: on('172.17.0.1/16') },
      [],
    ],
    ['the same twice', { eth0: on('203.0.113.7/24'), eth1: on('203.0.113.8/24') }, ['203.0.113.0/24']],
    ['an address for itself', { eth0: on('203.0.113.7/32') }, []],
    ['a job’s bridge', { ctxj12341234567: on('203.0.113.1/24'), eth0: on('198.51.100.7/24') }, ['198.51.100.0/24']],
    ['IPv6, and one without a network', { eth0: on('2001:db8::1/64', null), eth1: undefined }, []],
  ]
  for (const [what, interfaces, networks] of cases) {
    it(`the machine’s own networks: ${what}`, () => assert.deepEqual(ownNetworks(interfaces, 'ctxj'), networks))
  }
})
