import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createSender } from '../../../gateway/webhooks/send.ts'
import { systemClock } from '../../../node/clock.ts'
import { openReceiver, type Receiver } from '../support/receiver.ts'

const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
let receiver: Receiver

describe('sending', () => {
  beforeEach(async () => {
    receiver = await openReceiver()
  })
  afterEach(async () => {
    await receiver.close()
  })

  it('posts the very bytes, and takes 2xx for delivered', async () => {
    const send = createSender({ clock: systemClock, resolve }, { allowPrivate: true })
    for (const [status, delivered] of [
      [200, true],
      [204, true],
      [400, false],
      [500, false],
    ] as const) {
      receiver.answer(status)
      const outcome = await send(receiver.url, '{"a":"ä"}', { 'X-Test': 'y' })
      assert.deepEqual([outcome.delivered, outcome.statusCode], [delivered, status])
    }
    assert.equal(receiver.received[0]?.text, '{"a":"ä"}')
    assert.equal(receiver.received[0]?.headers['x-test'], 'y')
  })

  it('follows no redirect', async () => {
    const target = await openReceiver()
    try {
      receiver.answer({ redirect: target.url })
      const send = createSender({ clock: systemClock, resolve }, { allowPrivate: true })
      const outcome = await send(receiver.url, '{}', {})
      assert.deepEqual([outcome.delivered, outcome.statusCode, target.received.length], [false, 302, 0])
    } finally {
      await target.close()
    }
  })

  it('gives up on an endpoint that hangs, and on one that is not there', async () => {
    receiver.answer('hang')
    const send = createSender({ clock: systemClock, resolve }, { allowPrivate: true, timeoutMs: 50 })
    const hanging = await send(receiver.url, '{}', {})
    assert.deepEqual([hanging.delivered, hanging.statusCode], [false, null])
    assert.match(hanging.error ?? '', /no answer within/)
    const { url } = receiver
    await receiver.close()
    receiver = await openReceiver()
    const absent = await send(url, '{}', {})
    assert.match(absent.error ?? '', /ECONNREFUSED/)
  })

  it('connects to no private address, by number or by name', async () => {
    const send = createSender({ clock: systemClock, resolve }, { allowPrivate: false })
    for (const url of [receiver.url, receiver.url.replace('127.0.0.1', 'name.example')]) {
      const outcome = await send(url, '{}', {})
      assert.equal(outcome.delivered, false)
      assert.match(outcome.error ?? '', /no public address/, url)
    }
    assert.equal(receiver.received.length, 0)
  })
})
