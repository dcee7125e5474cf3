import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode } from 'it-length-prefixed'
import { Uint8ArrayList } from 'uint8arraylist'
import { createMessageQueue, MessageTooLongError } from '../../../../node/network/streams/message-queue.ts'

const MAX_BYTES = 70_000
const messages = [0, 1, 127, 128, 300, 0, 16_384, 65_536, 5].map((bytes, at) => new Uint8Array(bytes).fill(at))
const stream = new Uint8ArrayList(...messages.map((message) => encode.single(message))).subarray()

describe('messages that arrive in pieces', () => {
  for (const pieceBytes of [1, 2, 3, 100, 4_096, 65_537, stream.length]) {
    it(`of ${pieceBytes} bytes are those that were sent`, () => {
      const queue = createMessageQueue(MAX_BYTES)
      const taken: Uint8Array[] = []
      for (let at = 0; at < stream.length; at += pieceBytes) {
        const piece = stream.subarray(at, at + pieceBytes)
        // As libp2p hands them over: as they are, or as lists.
        queue.push(at % 2 === 0 ? piece : new Uint8ArrayList(piece.subarray(0, 1), piece.subarray(1)))
        for (let message = queue.take(); message !== null; message = queue.take()) taken.push(message)
      }
      assert.deepEqual(taken, messages)
      assert.equal(queue.heldBytes(), 0)
    })
  }

  it('are not there before their last byte', () => {
    const queue = createMessageQueue(MAX_BYTES)
    queue.push(Uint8Array.of(2, 7))
    assert.equal(queue.isPart(), false)
    assert.equal(queue.take(), null)
    assert.deepEqual([queue.isPart(), queue.heldBytes()], [true, 2])
    queue.push(Uint8Array.of(8, 1))
    assert.equal(queue.isPart(), false)
    assert.deepEqual(queue.take(), Uint8Array.of(7, 8))
    assert.deepEqual([queue.take(), queue.heldBytes()], [null, 1])
  })

  for (const [what, length] of [
    ['longer than they may be', encode.single(new Uint8Array(MAX_BYTES + 1)).subarray(0, 3)],
    ['of a length that has no end', new Uint8Array(6).fill(0x80)],
  ] as const) {
    it(`${what} are refused before they are here`, () => {
      const queue = createMessageQueue(MAX_BYTES)
      queue.push(length)
      assert.throws(() => queue.take(), MessageTooLongError)
    })
  }
})
