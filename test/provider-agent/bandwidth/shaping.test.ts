import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Bridge,
  deviceName,
  planOf,
  readLinks,
  readQueues,
  type Seen,
} from '../../../provider-agent/bandwidth/shaping.ts'
import { anyBridge, bridgeName } from '../../../provider-agent/networks/bridge-name.ts'

const owner = '12D3KooWowner'
const rate = 100_000_000
const [received, sent] = [deviceName(owner, 'received'), deviceName(owner, 'sent')]
const [one, two] = ['one', 'two'].map(
  (name, i): Bridge => ({
    name: bridgeName(owner, name),
    index: 7 + i,
    network: `10.0.${i}.1/26`,
    ports: [`veth${i}`],
  }),
) as [Bridge, Bridge]
const whole = new Set([received, sent])

const seen = (bridges: Bridge[], handing: Bridge[] = bridges, devices = whole): Seen => ({
  bridges,
  devices,
  handing: new Set(handing.map(({ name }) => name)),
  atPorts: false,
})

test('devices are no bridges, and their names fit', () => {
  for (const name of [received, sent]) {
    assert.ok(name.length <= 15 && !name.startsWith(anyBridge), name)
  }
  assert.notEqual(received, sent)
})

test('at first both devices are told the rate, and each bridge gets a class and is handed on', () => {
  const plan = planOf(owner, rate, [], seen([one, two], [], new Set()))
  assert.deepEqual(plan.kept, [])
  assert.equal(plan.first.filter((line) => line.includes('rate 100000000bit ceil 100000000bit')).length, 2)
  assert.deepEqual(
    plan.added.map(({ bridge }) => bridge.number),
    [3, 4],
  )
  assert.deepEqual(plan.added[0]?.lines, [
    `class add dev ${received} parent 1:1 classid 1:3 htb rate 100000bit ceil 100000000bit quantum 60000`,
    `filter add dev ${received} parent 1: protocol ip prio 3 u32 match ip dst 10.0.0.1/26 flowid 1:3`,
    `class add dev ${sent} parent 1:1 classid 1:3 htb rate 100000bit ceil 100000000bit quantum 60000`,
    `filter add dev ${sent} parent 1: protocol ip prio 3 u32 match ip src 10.0.0.1/26 flowid 1:3`,
    `qdisc add dev ${one.name} clsact`,
    `filter add dev ${one.name} egress protocol all prio 1 u32 match u32 0 0 action mirred egress redirect dev ${received}`,
    `filter add dev ${one.name} ingress protocol all prio 1 u32 match u32 0 0 action mirred egress redirect dev ${sent}`,
  ])
})

test('what holds is left alone; what came is added, under a number that is free', () => {
  const before = [
    { ...one, number: 3 },
    { ...two, number: 4 },
  ]
  const nothing = planOf(owner, rate, before, seen([one, two]))
  assert.deepEqual([nothing.first, nothing.added, nothing.kept], [[], [], before])

  const three = { ...one, name: bridgeName(owner, 'three'), index: 9, network: '10.0.3.1/26', ports: [] }
  const changed = planOf(owner, rate, before, seen([two, three], [two]))
  assert.deepEqual(changed.kept, [before[1]])
  assert.deepEqual(changed.first, [
    `filter del dev ${received} parent 1: protocol ip prio 3`,
    `class del dev ${received} classid 1:3`,
    `filter del dev ${sent} parent 1: protocol ip prio 3`,
    `class del dev ${sent} classid 1:3`,
  ])
  assert.deepEqual(
    changed.added.map(({ bridge }) => [bridge.name, bridge.number]),
    [[three.name, 3]],
  )
})

const mended: [string, Seen][] = [
  ['made anew under its name', seen([{ ...one, index: 70 }])],
  ['in another network', seen([{ ...one, network: '10.9.9.1/26' }])],
  ['handed on no more', seen([one], [])],
]
for (const [what, now] of mended) {
  test(`a bridge ${what} is set up again`, () => {
    const plan = planOf(owner, rate, [{ ...one, number: 3 }], now)
    assert.deepEqual([plan.kept, plan.first.length, plan.added.length], [[], 4, 1])
    assert.equal(plan.added[0]?.lines[0]?.startsWith('qdisc del'), now.handing.has(one.name))
  })
}

test('where bridges are shown to a firewall, what is plugged into them is handed on, as it comes', () => {
  const [bare, plugged] = [
    { ...one, ports: [] },
    { ...one, ports: ['veth0', 'veth9'] },
  ]
  const at = (bridge: Bridge, ...handing: string[]): Seen => ({
    ...seen([bridge]),
    handing: new Set(handing),
    atPorts: true,
  })
  const [first] = planOf(owner, rate, [], at(bare)).added
  assert.ok(first !== undefined && !first.lines.some((line) => line.includes('clsact')))
  const [then] = planOf(owner, rate, [first.bridge], at(plugged, 'veth0')).added
  const points = then?.lines.filter((line) => line.includes('clsact'))
  assert.deepEqual(points, ['qdisc del dev veth0 clsact', 'qdisc add dev veth0 clsact', 'qdisc add dev veth9 clsact'])
  assert.deepEqual(planOf(owner, rate, [first.bridge], at(plugged, 'veth0', 'veth9')).added, [])
  // An earlier run, before the machine's setting was changed.
  assert.equal(planOf(owner, rate, [], at(plugged, one.name)).added[0]?.lines[0], `qdisc del dev ${one.name} clsact`)
})

test('where a device shares out no more, all is set up again', () => {
  const plan = planOf(owner, rate, [{ ...one, number: 3 }], seen([one], [one], new Set([sent])))
  assert.equal(plan.first.filter((line) => line.startsWith('qdisc add')).length, 2)
  assert.deepEqual(
    plan.added.map(({ bridge }) => bridge.number),
    [3],
  )
})

test('a slow rate leaves a class the least that the kernel counts', () => {
  const [line] = planOf(owner, 64_000, [], seen([one])).added[0]?.lines.slice(1) ?? []
  assert.match(line ?? '', /rate 8000bit ceil 64000bit/)
})

test('links and queues are read as iproute2 prints them', () => {
  const json = JSON.stringify([
    { ifindex: 1, ifname: 'lo', addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8 }] },
    {
      ifindex: 7,
      ifname: one.name,
      addr_info: [
        { family: 'inet6', local: 'fe80::1', prefixlen: 64 },
        { family: 'inet', local: '10.0.0.1', prefixlen: 26 },
      ],
    },
    { ifindex: 8, ifname: bridgeName(owner, 'of no address'), addr_info: [] },
    {
      ifindex: 9,
      ifname: bridgeName('another', 'one'),
      addr_info: [{ family: 'inet', local: '10.1.0.1', prefixlen: 26 }],
    },
    { ifindex: 10, ifname: received, addr_info: [] },
    { ifindex: 11, ifname: 'veth0', master: one.name, addr_info: [] },
    { ifindex: 12, ifname: 'veth1', master: 'docker0', addr_info: [] },
    {},
  ])
  assert.deepEqual(readLinks(json, owner), { bridges: [one], devices: [received] })
  const text = [
    'qdisc noqueue 0: dev lo root refcnt 2 ',
    'qdisc clsact ffff: dev veth0 parent ffff:fff1 ',
    `qdisc htb 1: dev ${received} root refcnt 2 r2q 10 default 0x2 direct_packets_stat 0 direct_qlen 32`,
    'qdisc htb 1: dev eth0 root refcnt 2 r2q 10 default 0x2 direct_packets_stat 0 direct_qlen 1000',
    '',
  ].join('\n')
  assert.deepEqual(readQueues(text, owner), { handing: new Set(['veth0']), devices: new Set([received]) })
})
