import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isSampled, SAMPLE_ALL } from '../../protocol/sample.ts'
import { bytes } from './samples.ts'

const PEERS = Array.from({ length: 20_000 }, (_, i) => `12D3KooW${i}`)

describe('isSampled', () => {
  it('takes everyone at the full rate, and nobody at none', () => {
    assert.ok(PEERS.every((peer) => isSampled(bytes(16, 1), peer, SAMPLE_ALL)))
    assert.ok(!PEERS.some((peer) => isSampled(bytes(16, 1), peer, 0)))
  })

  for (const rate of [1_000, 10_000, 100_000, 500_000, 900_000]) {
    it(`takes about ${rate} of a million`, () => {
      const taken = PEERS.filter((peer) => isSampled(bytes(16, 2), peer, rate)).length
      const expected = (PEERS.length * rate) / SAMPLE_ALL
      const deviation = Math.sqrt(expected * (1 - rate / SAMPLE_ALL))
      assert.ok(Math.abs(taken - expected) < 5 * deviation, `${taken} of ${PEERS.length}, ${expected} expected`)
    })
  }

  it('keeps whom it took when the rate rises', () => {
    const rate = fc.nat(SAMPLE_ALL)
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.string(), rate, rate, (id, peer, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        return !isSampled(id, peer, low) || isSampled(id, peer, high)
      }),
    )
  })

  it('takes others for another request', () => {
    const taken = (id: Uint8Array) => PEERS.filter((peer) => isSampled(id, peer, 10_000))
    const first = new Set(taken(bytes(16, 4)))
    const both = taken(bytes(16, 5)).filter((peer) => first.has(peer))
    assert.ok(both.length < first.size / 4, `${both.length} of ${first.size} were taken twice`)
  })

  it('answers the same to everyone who asks', () => {
    // Fixed for ever: peers of different versions must agree on who is asked.
    const taken = PEERS.slice(0, 200).filter((peer) => isSampled(bytes(16, 3), peer, 20_000))
    assert.deepEqual(
      taken,
      [18, 89, 95, 115, 160, 199].map((i) => `12D3KooW${i}`),
    )
  })
})
