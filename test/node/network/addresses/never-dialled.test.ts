import assert from 'node:assert/strict'
import { connect, createServer, type LookupFunction } from 'node:net'
import { describe, it } from 'node:test'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { silentLogger } from '../../../../node/logger.ts'
import { isNeverDialled, neverDialled } from '../../../../node/network/addresses/never-dialled.ts'
import { createTransport } from '../../../../node/network/host/create-host.ts'
import { quietLog } from '../../../../node/network/host/quiet-log.ts'
import { createLibp2pNetwork } from '../../../../node/network/libp2p-network.ts'

describe('addresses where no peers are', () => {
  it('entry 20: are never dialled, in whatever form; those of LANs and of the internet are', () => {
    for (const [host, never] of [
      ['169.254.169.254', true],
      ['169.254.0.1', true],
      ['::ffff:169.254.169.254', true],
      ['::ffff:a9fe:a9fe', true],
      ['64:ff9b::a9fe:a9fe', true],
      ['::ffff:0:a9fe:a9fe', true],
      ['2002:a9fe:a9fe:1::', true],
      ['0.0.0.0', true],
      ['0.1.2.3', true],
      ['255.255.255.255', true],
      ['239.1.1.1', true],
      ['168.63.129.16', true],
      ['fe80::1', true],
      ['febf::1', true],
      ['ff02::1', true],
      ['::', true],
      ['fd00:ec2::254', true],
      ['::1', false],
      ['127.0.0.1', false],
      ['::ffff:127.0.0.1', false],
      ['10.1.2.3', false],
      ['192.168.1.1', false],
      ['172.17.0.1', false],
      ['100.64.0.1', false],
      ['169.253.255.255', false],
      ['8.8.8.8', false],
      ['64:ff9b::808:808', false],
      ['2600::1', false],
      ['fd00::1', false],
      ['fec0::1', false],
    ] as const) {
      assert.equal(isNeverDialled(host), never, host)
    }
  })

  const blocked = (error: unknown): boolean => error instanceof Error && /ERR_IP_BLOCKED|is blocked/.test(String(error))

  it('entry 20: a name is held against them as it resolves, when it is dialled', async () => {
    const transport = createTransport()({ logger: quietLog } as never)
    for (const address of ['169.254.169.254', '100.100.100.200', 'fd00:ec2::254', '::ffff:169.254.169.254']) {
      const family = address.includes(':') ? 6 : 4
      const lookup: LookupFunction = (_host, { all }, callback) => {
        if (all === true) callback(null, [{ address, family }])
        else callback(null, address, family)
      }
      for (const name of ['dns', 'dns4', 'dns6']) {
        const target = multiaddr(`/${name}/harmless.example.org/tcp/80`)
        const options = { lookup, signal: AbortSignal.timeout(5_000), upgrader: {} }
        await assert.rejects(transport.dial(target, options as never), blocked, `${name} ${address}`)
      }
    }
  })

  it('entry 20: spellings that only the system knows are held against them, too', async () => {
    for (const host of ['2852039166', '0xa9fea9fe', '169.254.43518', '0251.0376.0251.0376']) {
      const failure = await new Promise<Error>((resolve) => {
        connect({ host, port: 80, blockList: neverDialled }).on('error', resolve)
      })
      // a system may not take the spelling at all
      assert.ok(blocked(failure) || /ENOTFOUND|EAI_/.test(String(failure)), `${host}: ${failure}`)
    }
  })

  it('entry 20: a peer that is asked to dial such an address does not, and dials the others that were named', async () => {
    const reached = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => reached.listen(0, '127.0.0.1', resolve))
    const { port } = reached.address() as { port: number }
    const came = new Promise<void>((resolve) => reached.once('connection', () => resolve()))
    const privateKey = await generateKeyPair('Ed25519')
    const network = createLibp2pNetwork({ privateKey, logger: silentLogger }, { network: 'test' })
    await network.start()
    try {
      const addresses = ['/dns4/169.254.169.254/tcp/80', '/ip4/169.254.169.254/tcp/80', `/ip4/127.0.0.1/tcp/${port}`]
      const peer = '12D3KooWGzBXwNHB3cXmXsCLzHCLcTAzGHXcMEeeWkTvLxNVBgDz'
      const opening = network.open(peer, '/test/1.0.0', { addresses, maxMessageBytes: 64, timeoutMs: 5_000 })
      await Promise.all([came, assert.rejects(opening)])
    } finally {
      await network.stop()
      reached.close()
    }
  })
})
