import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createKeyGuard } from '../../../gateway/auth/key-guard.ts'
import { ADMIN_KEY_ID, type KeyRecord } from '../../../gateway/auth/key-ring.ts'
import { GatewayError } from '../../../gateway/http/errors.ts'
import { systemClock } from '../../../node/clock.ts'

const CHOSEN = 'a key that a person chose'
const MADE = 'ck_made'

/** A guard whose turns come when the test says so. */
function openGuard() {
  const sleeping: (() => void)[] = []
  let nowMs = 0
  let checks = 0
  const clock = {
    ...systemClock,
    monotonicMs: () => nowMs,
    sleep: async () => await new Promise<void>((resolve) => sleeping.push(resolve)),
  }
  const record = (id: string): KeyRecord => ({
    ...{ id, name: '', owner: id, grants: [], digest: '' },
    ...{ createdAtMs: 0, expiresAtMs: null },
  })
  const keys = {
    authenticate(text: string) {
      checks += 1
      return text === CHOSEN ? record(ADMIN_KEY_ID) : text === MADE ? record('key_made') : undefined
    },
  }
  const guard = createKeyGuard({ keys, clock } as never, { other: 'token of a scraper' })
  return {
    guard,
    sleeping,
    checks: () => checks,
    later: (ms: number) => {
      nowMs += ms
    },
    async codeOf(address: string, text: string): Promise<string> {
      try {
        const key = await guard.check(address, text)
        return key?.id ?? 'other'
      } catch (error) {
        assert.ok(error instanceof GatewayError)
        return error.code
      }
    },
    /** Lets one turn after the other pass until nobody waits. */
    async turns(): Promise<void> {
      for (let i = 0; i < 20; i += 1) {
        await new Promise((resolve) => setImmediate(resolve))
        sleeping.shift()?.()
      }
    },
  }
}

describe('guessed keys', () => {
  it('entry 18: beyond twenty are not looked at but one after the other, and no more than five wait', async () => {
    const { guard, codeOf, sleeping, turns } = openGuard()
    for (let i = 0; i < 20; i += 1) assert.equal(await codeOf('10.0.0.1', `wrong ${i}`), 'UNAUTHORIZED')
    const guesses = Array.from({ length: 5000 }, async (_, i) => await codeOf('10.0.0.1', `guess ${i}`))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(sleeping.length, 1)
    await turns()
    assert.deepEqual([...new Set(await Promise.all(guesses))], ['RATE_LIMIT_EXCEEDED'])
    const refused = guard.check('10.0.0.1', 'x').then(
      () => null,
      (error: GatewayError) => error,
    )
    await turns()
    assert.ok(Number((await refused)?.headers['Retry-After']) >= 1)
  })

  it('entry 18: a key that a gateway made gets in at once, from the same address, in the midst of it', async () => {
    const { codeOf, turns } = openGuard()
    const guesses = Array.from({ length: 1000 }, async (_, i) => await codeOf('10.0.0.1', `guess ${i}`))
    assert.equal(await codeOf('10.0.0.1', MADE), 'key_made')
    await turns()
    await Promise.all(guesses)
    assert.equal(await codeOf('10.0.0.1', MADE), 'key_made')
  })

  it('entry 18: a chosen key gets in at once where it was right before, and else waits its turn', async () => {
    const { codeOf, turns } = openGuard()
    assert.equal(await codeOf('10.0.0.1', CHOSEN), ADMIN_KEY_ID)
    assert.equal(await codeOf('10.0.0.1', 'token of a scraper'), 'other')
    for (const address of ['10.0.0.1', '10.0.0.2']) {
      for (let i = 0; i < 20; i += 1) await codeOf(address, `wrong ${i}`)
    }
    assert.equal(await codeOf('10.0.0.1', CHOSEN), ADMIN_KEY_ID)
    assert.equal(await codeOf('10.0.0.1', 'token of a scraper'), 'other')
    const elsewhere = codeOf('10.0.0.2', CHOSEN)
    await turns()
    assert.equal(await elsewhere, ADMIN_KEY_ID)
  })

  it('what else is wrong, such as an SSH key, is slowed down likewise, and is counted only where it failed', async () => {
    const { guard, codeOf, sleeping, turns } = openGuard()
    for (let i = 0; i < 100; i += 1) await guard.slowDown('10.0.0.1')
    for (let i = 0; i < 20; i += 1) guard.noteWrong('10.0.0.1')
    const refusals = Array.from({ length: 10 }, async () => {
      await guard.slowDown('10.0.0.1').catch((error: GatewayError) => assert.equal(error.code, 'RATE_LIMIT_EXCEEDED'))
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(sleeping.length, 1)
    await guard.slowDown('10.0.0.2')
    assert.equal(await codeOf('10.0.0.1', MADE), 'key_made')
    await turns()
    await Promise.all(refusals)
  })

  it('entry 18: counts by address, by /64 with IPv6, and only for a minute', async () => {
    const { codeOf, turns, later } = openGuard()
    for (let i = 0; i < 20; i += 1) await codeOf(`2001:db8:1:2::${i + 1}`, `wrong ${i}`)
    const next = codeOf('2001:db8:1:2:ffff::1', 'guess')
    await turns()
    assert.equal(await next, 'RATE_LIMIT_EXCEEDED')
    assert.equal(await codeOf('2001:db8:1:3::1', 'guess'), 'UNAUTHORIZED')
    assert.equal(await codeOf('::ffff:10.0.0.9', 'guess'), 'UNAUTHORIZED')
    later(61_000)
    assert.equal(await codeOf('2001:db8:1:2::1', 'guess'), 'UNAUTHORIZED')
  })
})
