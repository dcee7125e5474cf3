import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createDispatcher } from '../../../gateway/webhooks/dispatcher.ts'
import type { WebhookStore } from '../../../gateway/webhooks/webhook-store.ts'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'

it('entry 31: a worker that is woken while it looks what is due looks again, and does not sleep over it', async () => {
  const HOUR_MS = 3_600_000
  const again = Promise.withResolvers<void>()
  let looks = 0
  const webhooks = {
    get: async () => ({ enabled: true }),
    async due() {
      looks += 1
      if (looks > 1) again.resolve()
      else dispatcher.wake('one')
      return { delivery: undefined, inMs: looks > 1 ? null : HOUR_MS }
    },
  } as unknown as WebhookStore
  const components = { webhooks, clock: systemClock, logger: silentLogger }
  const dispatcher = createDispatcher({
    ...components,
    secretBox: { seal: () => '', open: () => '' } as never,
    send: () => Promise.reject(new Error('nothing is due')),
  })
  dispatcher.wake('one')
  await again.promise
  await dispatcher.stop()
  assert.equal(looks, 2)
})
