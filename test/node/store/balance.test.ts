import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createBalance } from '../../../node/store/check/balance.ts'
import { randomFrom } from './support/sample-jobs.ts'

describe('the balance of what is expected and what is there', () => {
  const keys = Array.from({ length: 5_000 }, (_, i) => `!order!alice!-!3a!!job_${String(i).padStart(26, '0')}`)

  it('is even where both are the same, in whichever order, and amounts add up', () => {
    const balance = createBalance()
    for (const key of keys) balance.expect(key)
    for (const key of keys.toReversed()) balance.find(key)
    const random = randomFrom(5)
    let sum = 0
    for (let i = 0; i < 1_000; i += 1) {
      const amount = Math.floor(random() * 1e13) - 5e12
      balance.expect('costs', amount)
      sum += amount
    }
    assert.ok(balance.differs())
    balance.find('costs', sum)
    assert.ok(!balance.differs())
  })

  it('is off where a single key is missing, or one too many, or a number is another, and says where', () => {
    for (const change of ['missing', 'more', 'number'] as const) {
      for (let at = 0; at < keys.length; at += 97) {
        const balance = createBalance()
        const odd = keys[at] ?? ''
        for (const key of keys) balance.expect(key)
        for (const key of keys) if (key !== odd) balance.find(key)
        if (change === 'more') {
          balance.find(odd)
          balance.find(`${odd}x`)
        }
        if (change === 'number') balance.find(odd, 2)
        assert.ok(balance.differs(), `${change} ${at}`)
        assert.ok(balance.isSuspect(change === 'more' ? `${odd}x` : odd), `${change} ${at}`)
        assert.ok(keys.filter((key) => balance.isSuspect(key)).length < 20)
      }
    }
  })
})
