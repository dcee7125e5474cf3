import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MultiaddrConnection } from '@libp2p/interface'
import { gatherWrites } from '../../../../node/network/host/gather-writes.ts'

/** A connection that writes what it is given to its socket, and the socket: it tells what it was asked to do. */
function setUp(hasSocket = true) {
  const done: string[] = []
  const socket = {
    writableCorked: 0,
    cork() {
      socket.writableCorked += 1
      done.push('cork')
    },
    uncork() {
      socket.writableCorked -= 1
      done.push('uncork')
    },
  }
  const connection = {
    ...(hasSocket ? { socket } : {}),
    send(data: Uint8Array): boolean {
      done.push(`write ${data.byteLength}`)
      return data.byteLength < 3
    },
  }
  gatherWrites(connection as unknown as MultiaddrConnection)
  return { done, send: (bytes: number): boolean => connection.send(new Uint8Array(bytes)) }
}

describe('writes to a peer', () => {
  it('go out together at the end of each turn', async () => {
    const { done, send } = setUp()
    assert.deepEqual([send(1), send(2), send(3)], [true, true, false], 'what the connection answers goes to who sends')
    await Promise.resolve()
    assert.deepEqual(done, ['cork', 'write 1', 'write 2', 'write 3'])
    await nextTurn()
    send(1)
    await nextTurn()
    assert.deepEqual(done.slice(4), ['uncork', 'cork', 'write 1', 'uncork'])
  })

  it('go as they are where there is no socket', async () => {
    const { done, send } = setUp(false)
    send(1)
    await nextTurn()
    assert.deepEqual(done, ['write 1'])
  })
})
