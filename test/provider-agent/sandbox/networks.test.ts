import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { silentLogger } from '../../../node/logger.ts'
import { createNetworks, type Networks } from '../../../provider-agent/sandbox/networks.ts'
import { createSimClock } from '../../support/sim-clock.ts'

describe('networks that are lent', () => {
  let networks: Networks | null = null
  afterEach(async () => await networks?.stop())

  function open(most: number) {
    const clock = createSimClock()
    const made: string[] = []
    const removed: string[] = []
    const rig = { failing: false }
    let count = 0
    const own = createNetworks(
      {
        ...{ clock, logger: silentLogger },
        nextName: () => `n${++count}`,
        make: async (name) => {
          if (rig.failing) throw new Error('no room')
          made.push(name)
        },
        remove: async (name) => void removed.push(name),
      },
      { most },
    )
    networks = own
    return { clock, made, removed, rig, networks: own }
  }

  it('one container has one at a time, the same however often it asks, and the next has it after that one', async () => {
    const { networks, made } = open(4)
    const a = networks.lend('a')
    assert.equal(networks.lend('a'), a)
    assert.equal(networks.lend('b').name, 'n2')
    await a.made
    await networks.giveBack('a')
    assert.equal(networks.lend('c').name, 'n1')
    assert.equal(networks.lend('d').name, 'n3', 'the one of c is not lent twice')
    await networks.giveBack('a') // It is c’s by now.
    assert.equal(networks.lend('e').name, 'n4')
    assert.deepEqual(made, ['n1', 'n2', 'n1', 'n3', 'n4'], 'asked for before each use')
  })

  it('one that cannot be made is nobody’s, and the next try has another one', async () => {
    const { networks, rig } = open(4)
    rig.failing = true
    await assert.rejects(networks.lend('a').made, /no room/)
    assert.equal(networks.has('n1'), false)
    await networks.giveBack('a')
    rig.failing = false
    const again = networks.lend('a')
    await again.made
    assert.equal(again.name, 'n2')
  })

  it('those that nobody wants go after a while, and more than are to be kept at once', async () => {
    const { networks, clock, removed } = open(2)
    for (const name of ['a', 'b', 'c']) await networks.lend(name).made
    for (const name of ['a', 'b', 'c']) await networks.giveBack(name)
    assert.deepEqual(['n1', 'n2', 'n3', 'other'].map(networks.has), [true, true, false, false])
    assert.deepEqual(removed, ['n3'])
    await clock.advance(29_000)
    assert.equal(networks.lend('d').name, 'n2', 'the one used last')
    await clock.advance(2_000)
    assert.deepEqual(removed, ['n3', 'n1'])
    await networks.giveBack('d')
    await clock.advance(29_000)
    assert.deepEqual(removed, ['n3', 'n1'])
    await clock.advance(2_000)
    assert.deepEqual(removed, ['n3', 'n1', 'n2'])
  })

  it('at the end those that nobody has go at once, and the others with their containers', async () => {
    const { networks, removed } = open(2)
    networks.lend('a')
    networks.lend('b')
    await networks.giveBack('a')
    await networks.stop()
    assert.deepEqual(removed, ['n1'])
    assert.deepEqual([networks.has('n1'), networks.has('n2')], [false, true])
    await networks.giveBack('b')
    assert.deepEqual(removed, ['n1', 'n2'])
  })
})
