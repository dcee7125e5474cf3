/** Peers behind routers, on a network of namespaces that stands for the internet. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { DEFAULT_RELAY_LIMITS } from '../../node/network/relay-limits.ts'
import type { Launch } from '../../scripts/local-network.ts'
import { eventually, type FaultMarket, startFaultMarket } from './support/fault-market.ts'
import { addHome, type Home } from './support/homes.ts'
import { createNamespaces, namespaceProblem } from './support/namespaces.ts'
import { type PeerProcess, startPeerProcess } from './support/peer-process.ts'

const problem = await namespaceProblem()
/** First number of addresses that programs take for the internet's. */
const PUBLIC = 45

const LISTEN = { listen: ['/ip4/0.0.0.0/tcp/0'] }

const relayed = (peer: PeerProcess): string[] =>
  peer.state.addresses.filter((address) => address.includes('/p2p-circuit/'))

/** A job from a client node. */
async function buys(market: FaultMarket, name: string, how: Launch, flags: string[] = []): Promise<void> {
  const small = ['--cpu', '50', '--memory', '16Mi', '--storage', '16Mi', '--queue-timeout', '60', '--bids', ...flags]
  const { image = '' } = market.count(1, 1).job
  const client = market.client(name, [...small, image, '--', 'echo', 'from home'], how)
  assert.equal(await client.ended(), 0, client.output())
  assert.match(client.output(), /^from home$/m)
}

/** Waits until the market knows that the seller is reached over a relay. */
async function toldOverRelay(market: FaultMarket): Promise<void> {
  await eventually(async () => {
    const [seller] = await market.api.providers()
    return seller?.endpoints.some((address) => address.includes('/p2p-circuit')) === true || 'not at a relay yet'
  })
}

describe('behind routers', { skip: problem ?? false, concurrency: true }, () => {
  test('peers are reached over a relay, and directly from where that can be', async () => {
    await using stack = new AsyncDisposableStack()
    const spaces = stack.use(await createNamespaces(['relay', 'outside', 'first', 'second'], PUBLIC))
    const homes = {
      first: stack.use(await addHome(spaces, 'first')),
      second: stack.use(await addHome(spaces, 'second')),
    }
    const start = async (command: string[], init: Parameters<typeof startPeerProcess>[1]) =>
      stack.use(await startPeerProcess(command, init))
    const relay = await start(spaces.agent('relay').command, { ...LISTEN, relay: DEFAULT_RELAY_LIMITS })
    const atRelay = relay.state.addresses.filter((address) => address.includes(`/ip4/${PUBLIC}.`))
    const init = { ...LISTEN, bootstrap: atRelay }
    const [first, second, outside] = await Promise.all([
      start(homes.first.command, init),
      start(homes.second.command, init),
      start(spaces.agent('outside').command, init),
    ])
    await eventually(
      async () => (relayed(first).length > 0 && relayed(second).length > 0) || 'no place at the relay yet',
    )
    // A firewall might shut its address, for all it knows.
    await eventually(async () => relayed(outside).length > 0 || 'no place for a public address yet')

    // Who is public reaches others over the relay, and is called back at once.
    // Once more where the relayed connection gave way to the direct one in that very moment, or no handshake came about.
    await eventually(async () => await outside.reach(first.id, first.state.addresses).then(() => true as const, String))
    await eventually(
      async () =>
        (outside.state.peers.includes(first.id) && outside.state.counters.relayed === 0) || 'not called back directly',
    )
    await eventually(async () => relayed(outside).length === 0 || 'it was reached, and needs no relay')

    // Between two routers the relay stays.
    await eventually(async () => await first.reach(second.id, second.state.addresses).then(() => true as const, String))
    await eventually(async () => first.state.peers.includes(second.id) || 'not reached')
    assert.equal(first.state.counters.relayed, 1)
  })

  test('peers that know one address find the others from there', async () => {
    await using stack = new AsyncDisposableStack()
    const outside = ['first', 'second', 'third', 'fourth']
    const spaces = stack.use(await createNamespaces([...outside, 'home'], PUBLIC))
    const home = stack.use(await addHome(spaces, 'home'))
    const start = async (command: string[], bootstrap: string[]) =>
      stack.use(await startPeerProcess(command, { ...LISTEN, bootstrap, dht: true }))
    const known = await start(spaces.agent('first').command, [])
    const address = known.state.addresses.filter((one) => one.includes(`/ip4/${PUBLIC}.`))
    const others = await Promise.all([
      ...outside.slice(1).map((name) => start(spaces.agent(name).command, address)),
      start(home.command, address),
    ])
    await eventually(async () => others.every(({ state }) => state.peers.length === others.length) || 'not found')
  })

  test('a router that is asked to lets others in', async () => {
    await using stack = new AsyncDisposableStack()
    const spaces = stack.use(await createNamespaces(['outside', 'home'], PUBLIC))
    const home = stack.use(await addHome(spaces, 'home'))
    home.allowUpnp()
    const inside = stack.use(await startPeerProcess(home.command, { ...LISTEN, upnp: true }))
    const open = () => inside.state.addresses.filter((address) => address.startsWith(`/ip4/${home.publicHost}/`))
    await eventually(async () => open().length > 0 || 'the router let nobody in')
    const outside = stack.use(await startPeerProcess(spaces.agent('outside').command, LISTEN))
    // A machine may have no time for a handshake at the first try.
    await eventually(async () => await outside.reach(inside.id, open()).then(() => true as const, String))
    assert.equal(outside.state.counters.relayed, 0)
  })

  test('entry 45: a client behind a router buys of a seller outside, where nobody between them is a relay', async () => {
    await using stack = new AsyncDisposableStack()
    const spaces = stack.use(await createNamespaces(['seller', 'client'], PUBLIC))
    const home = stack.use(await addHome(spaces, 'client'))
    const market = stack.use(
      await startFaultMarket({
        agents: [{ name: 'seller' }],
        launch: (name) => (name === 'gateway' ? { host: spaces.gatewayHost } : spaces.agent('seller')),
      }),
    )
    await buys(market, 'client', { host: '0.0.0.0', command: home.command })
    // By name: nobody else could answer.
    await buys(market, 'client-too', { host: '0.0.0.0', command: home.command }, ['--provider', 'seller'])
    assert.deepEqual(await market.check(), [])
  })

  test('entry 45: two homes trade over a relay at once', async () => {
    await using stack = new AsyncDisposableStack()
    const spaces = stack.use(await createNamespaces(['seller', 'client'], PUBLIC))
    const [atSeller, atClient] = [
      stack.use(await addHome(spaces, 'seller')),
      stack.use(await addHome(spaces, 'client')),
    ]
    const market = stack.use(
      await startFaultMarket({
        agents: [{ name: 'seller' }],
        gatewayFlags: ['--relay'],
        launch: (name) =>
          name === 'gateway' ? { host: spaces.gatewayHost } : { host: '0.0.0.0', command: atSeller.command },
      }),
    )
    await toldOverRelay(market)
    await buys(market, 'client', { host: '0.0.0.0', command: atClient.command })
    assert.deepEqual(await market.check(), [])
  })

  for (const [what, first] of [
    ['public', PUBLIC],
    ['private', 10],
  ] as const) {
    test(`entry 45: two machines with ${what} addresses and closed firewalls trade over a relay at once`, async () => {
      await using stack = new AsyncDisposableStack()
      const spaces = stack.use(await createNamespaces(['seller', 'client'], first))
      for (const name of ['seller', 'client']) await spaces.close(name)
      const market = stack.use(
        await startFaultMarket({
          agents: [{ name: 'seller' }],
          gatewayFlags: ['--relay'],
          launch: (name) => (name === 'gateway' ? { host: spaces.gatewayHost } : spaces.agent('seller')),
        }),
      )
      await toldOverRelay(market)
      await buys(market, 'client', spaces.agent('client'))
      assert.deepEqual(await market.check(), [])
    })
  }

  test('machines sell to a gateway outside, to each other’s homes, and from another address than before', async () => {
    await using stack = new AsyncDisposableStack()
    const spaces = stack.use(await createNamespaces(['first', 'second'], PUBLIC))
    const homes = new Map<string, Home>()
    for (const name of ['first', 'second']) homes.set(name, stack.use(await addHome(spaces, name)))
    const at = (name: string) => ({ host: '0.0.0.0', command: homes.get(name)?.command ?? [] })
    const market = stack.use(
      await startFaultMarket({
        agents: ['first', 'second'].map((name) => ({ name, flags: ['--label', `${name}=yes`] })),
        gatewayFlags: ['--relay'],
        launch: (name) => (name === 'gateway' ? { host: spaces.gatewayHost } : at(name)),
      }),
    )
    const jobAt = async (name: string, lines: number) =>
      await market.submit(market.count(lines, 50, { constraints: { labels: { [name]: 'yes' } } }), true)
    const moving = await jobAt('first', 180)
    await market.when(moving, ({ status }) => status === 'running')

    // From one home to the other: only the gateway is between them.
    const provider = market.agents.find(({ name }) => name === 'first')?.id ?? ''
    const small = ['--cpu', '50', '--memory', '16Mi', '--storage', '16Mi', '--provider', provider]
    const { image = '' } = market.count(1, 1).job
    const client = market.client('client', [...small, image, '--', 'echo', 'from home'], at('second'))
    assert.equal(await client.ended(), 0, client.output())
    assert.match(client.output(), /^from home$/m)

    await homes.get('first')?.move()
    const { status, attempt } = await market.ended(moving)
    assert.deepEqual({ status, attempt }, { status: 'completed', attempt: 1 })
    for (const id of [await jobAt('first', 1), await jobAt('second', 1)]) {
      assert.equal((await market.ended(id)).status, 'completed')
    }
    assert.deepEqual(await market.check(), [])
  })
})
