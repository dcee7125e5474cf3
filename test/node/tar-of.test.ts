import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { tarOf } from '../../node/tar-of.ts'

describe('a tar as it is written', () => {
  const late = new Error('it broke')
  for (const [when, write] of [
    ['at once', async () => Promise.reject(late)],
    ['before anybody reads', async () => await delay(5).then(() => Promise.reject(late))],
    ['while it is read', async () => await delay(60).then(() => Promise.reject(late))],
  ] as const) {
    it(`ends with what the writing failed with, and nothing else hears of it: ${when}`, async () => {
      const tar = tarOf(write)
      await delay(30)
      await assert.rejects(buffer(tar), late)
    })
  }

  it('is whole, whenever somebody begins to read', async () => {
    const tar = tarOf(async (out) => out.entry({ name: 'a' }, 'content'))
    await delay(20)
    assert.ok((await buffer(tar)).includes('content'))
  })
})
