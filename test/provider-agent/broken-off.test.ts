import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { unlessBrokenOff } from '../../provider-agent/broken-off.ts'

describe('a step of a start', () => {
  it('is run, and not ended by what comes after it', async () => {
    const scope = new AbortController()
    const done: string[] = []
    const note = (what: string) => async () => void done.push(what)
    await unlessBrokenOff(scope.signal, note('step'), note('end'))
    await unlessBrokenOff(undefined, note('another'), note('end'))
    scope.abort()
    assert.deepEqual(done, ['step', 'another'])
  })

  it('is not begun where the start was broken off before', async () => {
    const never = async (): Promise<void> => assert.fail('was begun')
    await assert.rejects(unlessBrokenOff(AbortSignal.abort(new Error('over')), never, never), /^Error: over$/)
  })

  for (const fails of [false, true]) {
    it(`is ended, and waited for, where the start is broken off meanwhile${fails ? ', and it fails by that' : ''}`, async () => {
      const scope = new AbortController()
      const ended = Promise.withResolvers<void>()
      const done: string[] = []
      const step = async (): Promise<void> => {
        await ended.promise
        done.push('step')
        if (fails) throw new Error('was ended')
      }
      const end = async (): Promise<void> => {
        ended.resolve()
        await Promise.resolve()
        done.push('end')
      }
      const broken = assert.rejects(unlessBrokenOff(scope.signal, step, end), /^Error: over$/)
      scope.abort(new Error('over'))
      await broken
      assert.deepEqual(done.toSorted(), ['end', 'step'])
    })
  }
})
