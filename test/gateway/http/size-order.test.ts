import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createSizeOrder } from '../../../gateway/http/size-order.ts'

it('tells those that have most first, whichever way they grew', () => {
  const order = createSizeOrder<string>()
  const sizes = new Map<string, number>()
  let seed = 7
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  for (let step = 0; step < 2_000; step += 1) {
    const item = `item ${random(20)}`
    const size = random(4) === 0 ? 0 : Math.max(0, (sizes.get(item) ?? 0) + random(5) - 2)
    order.set(item, size)
    sizes.set(item, size)
    const told = order.largest(100)
    const expected = [...sizes.values()].filter((one) => one > 0).toSorted((a, b) => b - a)
    const what = `after step ${step}`
    assert.deepEqual(
      told.map((one) => sizes.get(one)),
      expected,
      what,
    )
    assert.equal(new Set(told).size, told.length, what)
    assert.deepEqual(order.largest(5), told.slice(0, 5), what)
  }
})

it('tells those of one size in the order in which they came to it', () => {
  const order = createSizeOrder<string>()
  for (const item of ['b', 'a', 'c']) order.set(item, 2)
  order.set('b', 3)
  order.set('b', 2)
  assert.deepEqual(order.largest(100), ['a', 'c', 'b'])
})
