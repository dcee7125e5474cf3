import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startPeer } from '../../support/libp2p-peers.ts'
import { type Cortex, openCortex } from '../support/cortex.ts'
import { type ServedGateway, serveTestGateway } from '../support/served-gateway.ts'
import { ADMIN_KEY } from '../support/test-gateway.ts'
import { PROVIDER } from '../support/test-node.ts'

describe('cortex net top', () => {
  let gateway: ServedGateway
  let cortex: Cortex

  before(async () => {
    gateway = await serveTestGateway()
    cortex = await openCortex()
  })
  after(async () => {
    await cortex.close()
    await gateway.close()
  })

  const top = async (...args: string[]) => await cortex.run(['net', 'top', '--every', '1', ...args])

  it('shows what a gateway sees, as JSON', async () => {
    const { code, out, err } = await top('--json', '--gateway', gateway.url, '--key', ADMIN_KEY)
    assert.equal(code, 0, err)
    const shown = JSON.parse(out)
    assert.deepEqual([shown.peers, shown.listeners], [1, { announcements: 1, requests: 1 }])
    assert.deepEqual(shown.rates, { heard: { announcements: 0, requests: 0 }, published: 0, refused: { TOO_LARGE: 0 } })
    assert.deepEqual(shown.market.bid, { total: 0, rate: 0 })
    const { traffic } = shown
    assert.deepEqual(traffic, { received: 0, sent: 0, peers: [{ id: PROVIDER, name: 'attic', received: 0, sent: 0 }] })
    assert.deepEqual([shown.directory.online, shown.directory.providers[0].id], [1, PROVIDER])
  })

  it('shows it once, as plain text where it is no terminal', async () => {
    const { code, out, err } = await top('--once', '--gateway', gateway.url, '--key', ADMIN_KEY)
    assert.equal(code, 0, err)
    assert.match(out, /^peers +1 connected/)
    assert.match(out, new RegExp(`^${PROVIDER} +attic +0\\.0 KiB/s +0\\.0 KiB/s$`, 'm'))
    assert.ok(!out.includes('\u001b'), 'no codes for a terminal')
  })

  it('says what is missing where the key is no admin’s', async () => {
    const key = await gateway.keyFor('alice')
    const { code, err } = await top('--once', '--gateway', gateway.url, '--key', key)
    assert.equal(code, 1)
    assert.match(err, /admin key/)
  })

  const listen = ['--listen', '/ip4/127.0.0.1/tcp/0', '--no-mdns']

  it('sees the network as a node of its own, which knows no provider at first', async (context) => {
    const { peerId, addresses } = await startPeer(context, { network: 'top' })
    const { code, out, err } = await top('--json', '--network', 'top', ...listen, '--bootstrap', addresses()[0] ?? '')
    assert.equal(code, 0, err)
    const { peers, market, traffic, directory } = JSON.parse(out)
    assert.deepEqual([peers, market, directory.online], [1, {}, 0])
    assert.deepEqual(
      traffic.peers.map(({ id }: { id: string }) => id),
      [peerId],
    )
  })

  it('ends where it is to look once and nobody is there', async () => {
    const { code, out, err } = await top('--json', ...listen, '--bootstrap', '/ip4/127.0.0.1/tcp/9')
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /^cortex: [^\n]*nobody listens there[^\n]*--bootstrap[^\n]*\n$/)
  })
})
