import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sleepUntilWoken, systemClock } from '../../node/clock.ts'
import { looks } from '../../node/looks.ts'

function source() {
  const listeners = new Set<() => void>()
  return {
    listeners,
    change: () => {
      for (const listener of listeners) listener()
    },
    listen: (changed: () => void) => {
      listeners.add(changed)
      return () => listeners.delete(changed)
    },
  }
}

describe('looking again at each change', () => {
  it('begins at once, and misses nothing that changes while somebody looks', async () => {
    const { change, listen, listeners } = source()
    let seen = 0
    for await (const _ of looks(listen)) {
      seen += 1
      if (seen === 1) {
        change()
        change()
      } else if (seen === 2) setImmediate(change)
      else break
    }
    assert.equal(seen, 3)
    assert.equal(listeners.size, 0, 'whoever has seen enough listens no more')
  })

  it('ends when its signal aborts, waiting or looking, and does not begin after', async () => {
    const { listen, listeners } = source()
    for (const when of ['waiting', 'looking', 'before']) {
      const over = new AbortController()
      if (when === 'before') over.abort()
      let seen = 0
      for await (const _ of looks(listen, over.signal)) {
        seen += 1
        if (when === 'looking') over.abort()
        else setImmediate(() => over.abort())
      }
      assert.equal(seen, when === 'before' ? 0 : 1, when)
      assert.equal(listeners.size, 0, when)
    }
  })
})

describe('a sleep that others may end', () => {
  it('ends when its time is over, or when it is woken, before or while it sleeps', async () => {
    const never = new AbortController().signal
    await sleepUntilWoken(systemClock, 1, never, never)
    await sleepUntilWoken(systemClock, 3_600_000, AbortSignal.abort(), never)
    const woken = new AbortController()
    setImmediate(() => woken.abort())
    await sleepUntilWoken(systemClock, 3_600_000, woken.signal, never)
  })

  it('rejects with the reason of its signal, woken or not', async () => {
    const reason = new Error('over')
    for (const woken of [new AbortController().signal, AbortSignal.abort()]) {
      await assert.rejects(sleepUntilWoken(systemClock, 3_600_000, woken, AbortSignal.abort(reason)), reason)
    }
  })
})
