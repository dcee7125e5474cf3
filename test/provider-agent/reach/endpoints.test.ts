import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Endpoint } from '../../../provider-agent/engine/access.ts'
import { createEndpoints } from '../../../provider-agent/reach/endpoints.ts'

describe('where a port of a container is', () => {
  function rig() {
    const state = { nowMs: 0, asked: 0, answer: { host: '10.0.0.2', port: 80, published: null } as Endpoint | null }
    const clock = { nowMs: () => state.nowMs, monotonicMs: () => state.nowMs, sleep: async () => undefined }
    const access = {
      locate: async () => {
        state.asked += 1
        return state.answer
      },
    }
    return { state, endpoints: createEndpoints({ access, clock }) }
  }
  const sought = { lease: { id: 'a' }, name: 'cortex-a-1', port: 80, protocol: 'TCP' as const }
  const { signal } = new AbortController()

  it('is asked once in a while, for each lease and port', async () => {
    const { state, endpoints } = rig()
    for (let i = 0; i < 3; i += 1) assert.equal(await endpoints.find(sought, signal), state.answer)
    assert.equal(state.asked, 1)
    await endpoints.find({ ...sought, port: 81 }, signal)
    await endpoints.find({ ...sought, protocol: 'UDP' }, signal)
    await endpoints.find({ ...sought, lease: { id: 'a' } }, signal)
    assert.equal(state.asked, 4)
    state.nowMs = 10_000
    await endpoints.find(sought, signal)
    assert.equal(state.asked, 5)
  })

  it('is asked again where nobody answered there, or there was none', async () => {
    const { state, endpoints } = rig()
    await endpoints.find(sought, signal)
    endpoints.forget(sought)
    await endpoints.find(sought, signal)
    assert.equal(state.asked, 2)
    state.answer = null
    endpoints.forget(sought)
    for (let i = 0; i < 2; i += 1) assert.equal(await endpoints.find(sought, signal), null)
    assert.equal(state.asked, 4)
  })
})
