import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createStamps } from '../../../../node/market/bids/stamps.ts'
import { stampBits } from '../../../../protocol/stamp.ts'
import { createSimClock } from '../../../support/sim-clock.ts'

const requestId = new Uint8Array(16).fill(1)
const asks = (...bits: number[]) => bits.map((one) => ({ stampBits: one }))

function setUp() {
  const clock = createSimClock()
  const stamps = createStamps({ clock }, { network: 'test', requester: 'r' })
  const made = async (): Promise<number> =>
    stampBits({ network: 'test', requester: 'r', requestId }, await stamps.make(requestId))
  return { clock, stamps, made }
}

describe('stamps of a requester', () => {
  it('are made once half of the answers ask for them, and for a minute', async () => {
    const { clock, stamps, made } = setUp()
    assert.equal((await stamps.make(requestId)).length, 0)
    stamps.heard(asks(8, 8, 0), 4)
    assert.ok((await made()) >= 8)
    await clock.advance(60_001)
    assert.equal((await stamps.make(requestId)).length, 0)
  })

  it('are not made because one provider wants them, nor for more than anybody should work', async () => {
    const { stamps } = setUp()
    stamps.heard(asks(8), 12)
    stamps.heard(asks(19, 255, 4_000_000_000), 3)
    stamps.heard([], 0)
    assert.equal((await stamps.make(requestId)).length, 0)
  })

  it('are of as many bits as satisfy half of those that ask', async () => {
    const { stamps, made } = setUp()
    stamps.heard(asks(2, 6, 18), 3)
    assert.ok((await made()) >= 6)
  })
})
