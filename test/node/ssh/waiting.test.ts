import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createWaitingRoom } from '../../../node/ssh/connection/waiting.ts'

const LIMITS = { free: 2, connection: 16, guest: 14, all: 40 }

test('what waits in all connections of a guest is bounded, a little in each is free, and whoever was held up goes on', async () => {
  const looked: string[] = []
  const room = createWaitingRoom(LIMITS)
  const open = (name: string, guest: string) => {
    const share = room.open(() => looked.push(name))
    share.belongTo(guest)
    return share
  }
  const [a, b, other] = [open('a', 'ada'), open('b', 'ada'), open('other', 'bob')]
  assert.equal(a.isFull(16), false)
  assert.equal(a.isFull(17), true, 'of one connection')
  assert.equal(b.isFull(1), false)
  assert.equal(b.isFull(4), true, 'of the guest')
  assert.equal(b.isFull(2), false, 'what is free')
  assert.equal(b.isFull(5), true)
  assert.equal(other.isFull(16), false, 'of another guest')
  await Promise.resolve()
  assert.deepEqual(looked, [])
  a.leave()
  await Promise.resolve()
  assert.deepEqual(looked, ['b'])
  assert.equal(b.isFull(5), false)
  assert.equal(a.isFull(9), true, 'it is over')
  const more = open('more', 'carl')
  assert.equal(more.isFull(16), false)
  assert.equal(open('last', 'dora').isFull(14), true, 'of all')
  other.leave()
  await Promise.resolve()
  assert.deepEqual(looked, ['b', 'last'])
})

test('what waited before somebody was known counts as theirs', () => {
  const room = createWaitingRoom(LIMITS)
  const [a, b] = [room.open(() => undefined), room.open(() => undefined)]
  assert.equal(a.isFull(16), false)
  assert.equal(b.isFull(10), false)
  a.belongTo('ada')
  b.belongTo('ada')
  assert.equal(b.isFull(10), true)
})

test('what is free in many connections of one guest keeps no other from more', () => {
  const room = createWaitingRoom(LIMITS)
  const open = (guest: string) => {
    const share = room.open(() => undefined)
    share.belongTo(guest)
    return share
  }
  for (let each = 0; each < 50; each += 1) assert.equal(open('ada').isFull(2), false)
  assert.equal(open('bob').isFull(16), false)
})
