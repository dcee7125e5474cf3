import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Stream } from '@libp2p/interface'
import { type AbstractStream, streamPair } from '@libp2p/utils'
import { createUnreadBudget } from '../../../../node/network/bounds/unread-budget.ts'
import type { Channel } from '../../../../node/network/index.ts'
import { createChannel } from '../../../../node/network/streams/channel.ts'

const account = () => createUnreadBudget({ cutOff() {} }).open('peer')
const onTooLong = (): never => assert.fail('nothing was too long')
const open = (stream: Stream): Channel =>
  createChannel(stream, { maxMessageBytes: 1_024, account: account(), onTooLong })

describe('a channel over a stream', () => {
  it('breaks where the connection goes without a goodbye, after what had arrived', async () => {
    const [far, near] = await streamPair()
    const channel = open(near)
    await open(far).send(Uint8Array.of(7))
    assert.deepEqual(await channel.receive(), Uint8Array.of(7))
    const waiting = channel.receive()
    ;(near as unknown as AbstractStream).onTransportClosed()
    await assert.rejects(waiting, { code: 'CHANNEL_BROKEN' })
    await assert.rejects(channel.send(Uint8Array.of(1)), { code: 'CHANNEL_BROKEN' })
  })

  it('is broken from the start on a stream that is gone', async () => {
    const [far, near] = await streamPair()
    far.abort(new Error('gone'))
    near.abort(new Error('gone'))
    const channel = open(near)
    await assert.rejects(channel.receive(), { code: 'CHANNEL_BROKEN' })
    await assert.rejects(channel.send(Uint8Array.of(1)), { code: 'CHANNEL_BROKEN' })
    await channel.close()
  })

  it('reads what was sent, and the end, before anyone listened', async () => {
    const [far, near] = await streamPair()
    const sender = open(far)
    await sender.send(Uint8Array.of(1))
    await sender.send(Uint8Array.of(2))
    await sender.close()
    await new Promise((resolve) => setImmediate(resolve))
    const channel = open(near)
    assert.deepEqual(await channel.receive(), Uint8Array.of(1))
    assert.deepEqual(await channel.receive(), Uint8Array.of(2))
    assert.equal(await channel.receive(), null)
  })

  it('breaks at an end in the middle of a message', async () => {
    const [far, near] = await streamPair()
    const channel = open(near)
    far.send(Uint8Array.of(5, 1, 2))
    await far.close()
    await assert.rejects(channel.receive(), { code: 'CHANNEL_BROKEN' })
  })

  for (const [what, bytes] of [
    ['a length beyond the limit', Uint8Array.of(0x81, 0x08)],
    ['a length without end', new Uint8Array(64).fill(0xff)],
  ] as const) {
    it(`says that ${what} is held against the sender`, async () => {
      const [far, near] = await streamPair()
      let breaches = 0
      const init = { maxMessageBytes: 1_024, account: account(), onTooLong: () => (breaches += 1) }
      const channel = createChannel(near, init)
      far.send(bytes)
      await assert.rejects(channel.receive(), { code: 'CHANNEL_BROKEN' })
      assert.equal(breaches, 1)
    })
  }

  it('ends with a signal that has aborted already', async () => {
    const [, near] = await streamPair()
    const signal = AbortSignal.abort(new Error('too late'))
    const channel = createChannel(near, { maxMessageBytes: 1_024, account: account(), onTooLong, signal })
    await assert.rejects(channel.receive(), /too late/)
  })
})
