import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isJobId, isPeerId, newJobId } from '../../protocol/ids.ts'
import { NOW_MS, provider } from './samples.ts'

/** Ids made at these times, in this order, are in order and differ. */
function assertSorted(timesMs: Iterable<number>): void {
  const ids = Array.from(timesMs, newJobId)
  assert.deepEqual(ids, [...ids].sort())
  assert.equal(new Set(ids).size, ids.length)
}

describe('job ids', () => {
  it('have the form that the API promises', () => {
    const id = newJobId(NOW_MS)
    assert.match(id, /^job_[a-z0-9]{12,}$/)
    assert.ok(isJobId(id))
  })

  it('sort by creation, also within one millisecond', () => {
    assertSorted(Array(10_000).fill(NOW_MS))
  })

  it('sort by creation as time goes on', () => {
    assertSorted(Array.from({ length: 1000 }, (_, i) => NOW_MS + 60_000 * i))
  })

  it('sort by creation when the clock goes backwards', () => {
    assertSorted([NOW_MS + 10_000_000, NOW_MS, NOW_MS - 3_600_000, 0, NOW_MS + 20_000_000, 1])
  })

  it('sort by creation whatever the clock does', () => {
    fc.assert(fc.property(fc.array(fc.nat(2 ** 31 - 1), { maxLength: 100 }), assertSorted), { numRuns: 50 })
  })

  it('are told from other text', () => {
    const others = [
      '',
      'job_',
      'job_short',
      'job_ABCDEFGHIJKL',
      'job_abcdefghijkl/..',
      'job_abcdefghijkl\n',
      ' job_abcdefghijkl',
      `job_${'a'.repeat(41)}`,
      `job_${'a'.repeat(1_000_000)}`,
    ]
    for (const other of others) assert.equal(isJobId(other), false, other.slice(0, 40))
    assert.ok(isJobId('job_abcdefghijkl'))
  })
})

describe('isPeerId', () => {
  it('takes the ids of this network’s keys', () => assert.ok(isPeerId(provider.id)))

  it('takes nothing else', () => {
    const others = [
      '',
      'p2p',
      'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
      '16Uiu2HAm9kMzFSFfgm6R5dWkWJ5RkxMJVWFh5TQyHZiXHoUgDHqC',
      provider.id.slice(0, -1),
      `${provider.id}a`,
      ` ${provider.id}`,
      `${provider.id}\n`,
      provider.id.toLowerCase(),
      `12D3KooW${'z'.repeat(44)}`,
      '1'.repeat(1_000_000),
    ]
    for (const other of others) assert.equal(isPeerId(other), false, other.slice(0, 60))
  })
})
