import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { followSource } from '../../../gateway/events/index.ts'

describe('following what is written', () => {
  /** Holds what is written until it is read; the writer ends while it is asked whether it has. */
  function writing(before: number[], atTheEnd: number[]) {
    const waiting = [...before]
    const asked: string[] = []
    const source = {
      async read() {
        asked.push('read')
        return waiting.splice(0, 2)
      },
      async ended() {
        asked.push('ended')
        waiting.push(...atTheEnd.splice(0))
        return true
      },
      onChange: () => () => undefined,
    }
    return { source, asked }
  }

  it('tells what came between the last look and the end, and asks for the end no more often than that', async () => {
    const { source, asked } = writing([1, 2, 3], [4, 5, 6])
    const told: number[][] = []
    for await (const batch of followSource(source, new AbortController().signal)) told.push(batch)
    assert.deepEqual(told, [[1, 2], [3], [4, 5], [6]])
    assert.equal(asked.join(' '), 'read read read ended read read read')
  })

  it('reads nothing more once nobody listens', async () => {
    const { source, asked } = writing([1, 2, 3], [])
    const over = new AbortController()
    for await (const _ of followSource(source, over.signal)) over.abort()
    assert.equal(asked.join(' '), 'read')
  })
})
