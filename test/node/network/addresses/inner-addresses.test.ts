import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { multiaddr } from '@multiformats/multiaddr'
import { createInnerFilter } from '../../../../node/network/addresses/inner-addresses.ts'

/** Interface → what the kernel shows of it besides, as names of entries in its folder. */
type Machine = Record<string, string[]>

async function filterOf(
  test: TestContext,
  machine: Machine,
  { listen = ['/ip4/0.0.0.0/tcp/1', '/ip6/::/tcp/1'], route = '', route6 = '' } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-interfaces-'))
  test.after(() => rm(folder, { recursive: true, force: true }))
  for (const [name, entries] of Object.entries(machine)) {
    for (const entry of ['', ...entries]) await mkdir(join(folder, name, entry), { recursive: true })
  }
  await writeFile(join(folder, 'route'), `Iface Destination Gateway Flags RefCnt Use Metric Mask MTU\n${route}`)
  await writeFile(join(folder, 'ipv6_route'), route6)
  const names = Object.keys(machine)
  const addresses = Object.fromEntries(
    names.map((name, i) => [name, [{ address: `10.0.${i + 1}.1` }, { address: `2001:db8:${i + 1}::1` }]]),
  )
  const filter = createInnerFilter(listen, {
    interfaces: () => addresses,
    folders: { interfaces: folder, routes: folder },
  })
  /** Names of the interfaces of which an address is told. */
  return (): string[] =>
    names.filter((_name, i) => {
      const own = [`/ip4/10.0.${i + 1}.1/tcp/1`, `/ip6/2001:db8:${i + 1}::1/tcp/1`]
      return filter(own.map((text) => multiaddr(text))).length > 0
    })
}

describe('entry 35: addresses that are told to others', () => {
  const cases: [title: string, machine: Machine, told: string[]][] = [
    [
      'leave out bridges of containers and virtual machines',
      { eth0: ['device'], docker0: ['bridge'], virbr0: ['bridge', 'lower_tap0'], cni0: ['bridge', 'lower_veth1'] },
      ['eth0'],
    ],
    [
      'keep a bridge over a card',
      { br0: ['bridge', 'lower_eth0', 'lower_tap0'], eth0: ['device'], tap0: [] },
      ['br0', 'eth0', 'tap0'],
    ],
    [
      'keep a bridge over a bond, or over a VLAN of a card',
      {
        ...{ br0: ['bridge', 'lower_bond0'], bond0: ['lower_eth0'], eth0: ['device'] },
        ...{ br1: ['bridge', 'lower_eth1.7'], 'eth1.7': ['lower_eth1'], eth1: ['device'] },
      },
      ['br0', 'bond0', 'eth0', 'br1', 'eth1.7', 'eth1'],
    ],
    ['keep what is no bridge', { wg0: [], tun0: [], veth0: [], lo: [] }, ['wg0', 'tun0', 'veth0', 'lo']],
    ['come to an end where interfaces lie in a circle', { a: ['bridge', 'lower_b'], b: ['lower_a'] }, ['b']],
  ]
  for (const [title, machine, told] of cases) {
    it(title, async (test) => {
      const names = await filterOf(test, machine)
      assert.deepEqual(names(), told)
    })
  }

  it('keep a bridge that the default route goes over, of either version', async (test) => {
    const machine = { br0: ['bridge'], br1: ['bridge'], docker0: ['bridge'] }
    const zeros = '0'.repeat(32)
    const names = await filterOf(test, machine, {
      route: 'br0 00000000 0100000A 0003 0 0 0 00000000 0\ndocker0 000011AC 00000000 0001 0 0 0 0000FFFF 0\n',
      route6: `${zeros} 00 ${zeros} 00 fe800000000000000000000000000001 00000400 1 0 00000003 br1\n`,
    })
    assert.deepEqual(names(), ['br0', 'br1'])
  })

  it('keep what the owner listens on by its number', async (test) => {
    const machine = { docker0: ['bridge'], other0: ['bridge'] }
    const names = await filterOf(test, machine, { listen: ['/ip4/10.0.1.1/tcp/0'] })
    assert.deepEqual(names(), ['docker0'])
  })
})
