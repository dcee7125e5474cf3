import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inLanes } from '../../node/lanes.ts'

const { signal } = new AbortController()

describe('lanes', () => {
  it('do each once, in order, and no more at a time than there are', async () => {
    const begun: number[] = []
    let now = 0
    let most = 0
    await inLanes(3, [1, 2, 3, 4, 5, 6, 7], signal, async (item) => {
      begun.push(item)
      now += 1
      most = Math.max(most, now)
      await new Promise(setImmediate)
      now -= 1
    })
    assert.deepEqual(begun, [1, 2, 3, 4, 5, 6, 7])
    assert.deepEqual([most, now], [3, 0])
  })

  it('end with the first that fails, once the others have heard of it', async () => {
    const heard: number[] = []
    const task = inLanes(2, [1, 2, 3], signal, async (item, until) => {
      if (item === 2) throw new Error('two')
      await new Promise((resolve) => until.addEventListener('abort', resolve))
      heard.push(item)
    })
    await assert.rejects(task, /two/)
    assert.deepEqual(heard, [1])
  })

  it('begin nothing where nobody waits', async () => {
    const over = AbortSignal.abort(new Error('over'))
    await assert.rejects(
      inLanes(2, [1], over, async () => assert.fail()),
      /over/,
    )
  })
})
