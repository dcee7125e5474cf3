import assert from 'node:assert/strict'
import { it } from 'node:test'
import { onceSelling } from '../../../provider-agent/commands/agent.ts'

it('says once that an agent sells which something had kept from it', async () => {
  let why: string | null = 'has no container engine at the moment'
  let said = 0
  const over = onceSelling({ paused: () => why }, new AbortController().signal, () => {
    said += 1
  })
  setTimeout(() => {
    assert.equal(said, 0)
    why = null
  }, 10)
  // What it waits with keeps no process alive.
  const alive = setInterval(() => undefined, 1_000)
  await over
  clearInterval(alive)
  assert.equal(said, 1)
})

it('says nothing of one that sells from the beginning, or is stopped before it does', async () => {
  const sells = () => assert.fail('it was said')
  await onceSelling({ paused: () => null }, new AbortController().signal, sells)
  await onceSelling({ paused: () => 'is being drained' }, AbortSignal.abort(new Error('SIGTERM')), sells)
})
