import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { publicLookup, resolvePublic } from '../../../gateway/webhooks/address-check.ts'
import { isPublicAddress } from '../../../node/network/public-address.ts'

describe('addresses that webhooks may be sent to', () => {
  it('are public ones only', () => {
    for (const address of ['93.184.216.34', '8.8.8.8', '2606:2800:220:1:248:1893:25c8:1946']) {
      assert.equal(isPublicAddress(address), true, address)
    }
    const inward = [
      '127.0.0.1',
      '127.9.9.9',
      '0.0.0.0',
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '224.0.0.1',
      '255.255.255.255',
      '::',
      '::1',
      'fe80::1',
      'fc00::1',
      'fd12:3456::1',
      'ff02::1',
      '::ffff:127.0.0.1',
      '::ffff:10.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '::127.0.0.1',
      '::a9fe:a9fe',
      '4000::1',
      '0x7f.1',
      '127.1',
      '2130706433',
      'localhost',
      '',
    ]
    for (const address of inward) assert.equal(isPublicAddress(address), false, address)
  })

  it('are all of a name’s, at its check and again at the connection', async () => {
    let addresses = [{ address: '93.184.216.34', family: 4 }]
    const resolve = async () => addresses
    assert.equal((await resolvePublic('a.example', resolve)).length, 1)
    addresses = [...addresses, { address: '10.0.0.1', family: 4 }]
    await assert.rejects(resolvePublic('a.example', resolve), { code: 'PRIVATE_ADDRESS' })
    const { promise, resolve: done } = Promise.withResolvers<unknown>()
    publicLookup(resolve)('a.example', {}, (error) => done(error))
    assert.equal(((await promise) as { code: string }).code, 'PRIVATE_ADDRESS')
  })
})
