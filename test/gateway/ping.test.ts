import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it, mock } from 'node:test'
import type { WebSocket } from 'ws'
import { keepPinging } from '../../gateway/http/ping.ts'

describe('entry 40: an idle socket', () => {
  it('is pinged each 30 s until it is closed', () => {
    mock.timers.enable({ apis: ['setInterval'] })
    try {
      const ping = mock.fn()
      const client = Object.assign(new EventEmitter(), { ping })
      keepPinging(client as unknown as WebSocket)
      mock.timers.tick(29_999)
      assert.equal(ping.mock.callCount(), 0)
      mock.timers.tick(60_001)
      assert.equal(ping.mock.callCount(), 3)
      client.emit('close')
      mock.timers.tick(600_000)
      assert.equal(ping.mock.callCount(), 3)
    } finally {
      mock.timers.reset()
    }
  })
})
