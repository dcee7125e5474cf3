import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { makeStamp, STAMP_BYTES, type Stamped, stampBits } from '../../protocol/stamp.ts'

const of: Stamped = { network: 'test', requester: 'r', requestId: new Uint8Array(16).fill(7) }
const pause = async (): Promise<void> => {}

describe('a stamp', () => {
  it('holds as many bits as it was made for', async () => {
    for (const bits of [0, 1, 7, 8, 9, 12]) {
      const stamp = await makeStamp(of, bits, pause)
      assert.equal(stamp.length, STAMP_BYTES)
      assert.ok(stampBits(of, stamp) >= bits, `${bits} bits`)
    }
  })

  it('is worth nothing for another request, requester or network', async () => {
    const stamp = await makeStamp(of, 12, pause)
    const others: Stamped[] = [
      { ...of, network: 'other' },
      { ...of, requester: 's' },
      { ...of, requestId: new Uint8Array(16).fill(8) },
    ]
    for (const other of others) assert.ok(stampBits(other, stamp) < 12)
  })

  it('of another length is none', () => {
    for (const length of [0, 7, 9, 4_000]) assert.equal(stampBits(of, new Uint8Array(length)), 0)
  })

  it('lets others have their turn while it is made', async () => {
    let pauses = 0
    await makeStamp(of, 13, async () => {
      pauses += 1
    })
    assert.ok(pauses > 0)
  })
})
