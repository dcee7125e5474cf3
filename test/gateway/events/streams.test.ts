import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { ServerEvent } from '../../../gateway/events/sse.ts'
import { encodeEvent } from '../../../gateway/events/sse.ts'
import { createEventStreams } from '../../../gateway/events/streams.ts'
import { type Clock, systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'

/** A clock whose sleeps end when the test says so. */
function manualClock() {
  const sleepers = new Set<{ ms: number; wake: () => void }>()
  const clock: Clock = {
    ...systemClock,
    async sleep(ms, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const sleeper = { ms, wake: resolve }
      sleepers.add(sleeper)
      signal?.addEventListener('abort', () => reject(signal.reason))
      await promise.finally(() => sleepers.delete(sleeper))
    },
  }
  return {
    clock,
    wake(ms: number): void {
      for (const sleeper of sleepers) if (sleeper.ms === ms) sleeper.wake()
    },
  }
}

/** A source that counts how often it was asked. */
function counting(batch: ServerEvent[]) {
  const state = { asked: 0, returned: false }
  async function* source(signal: AbortSignal): AsyncGenerator<ServerEvent[]> {
    try {
      while (!signal.aborted) {
        state.asked += 1
        yield batch
      }
    } finally {
      state.returned = true
    }
  }
  return { state, source }
}

async function* silent(signal: AbortSignal): AsyncGenerator<ServerEvent[]> {
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
}

function readerOf(response: Response) {
  const reader = response.body?.getReader()
  if (reader === undefined) throw new Error('no body')
  const decoder = new TextDecoder()
  return {
    cancel: async () => await reader.cancel(),
    next: async () => decoder.decode((await reader.read()).value),
    read: async () => await reader.read(),
  }
}

const INIT = { heartbeatMs: 15, stallMs: 60 }

describe('event streams', () => {
  it('write events as browsers read them', () => {
    assert.equal(encodeEvent({ id: 7, data: { line: 'a\nb' } }), 'id: 7\ndata: {"line":"a\\nb"}\n\n')
    assert.equal(encodeEvent({ id: '1-2' }), 'id: 1-2\n\n')
    assert.equal(encodeEvent({ event: 'end', data: null }), 'event: end\ndata: null\n\n')
  })

  it('ask the source only as fast as the client reads', async () => {
    const streams = createEventStreams({ clock: manualClock().clock, logger: silentLogger }, INIT)
    const { state, source } = counting([{ data: 1 }])
    const reader = readerOf(streams.respond(source))
    for (let i = 0; i < 5; i += 1) await turn()
    assert.ok(state.asked <= 2, `asked ${state.asked} times for a client that reads nothing`)
    await reader.next()
    await reader.next()
    for (let i = 0; i < 5; i += 1) await turn()
    assert.ok(state.asked <= 4, `asked ${state.asked} times after two reads`)
    await reader.cancel()
  })

  it('clean up the source when the client goes away', async () => {
    const streams = createEventStreams({ clock: manualClock().clock, logger: silentLogger }, INIT)
    const { state, source } = counting([{ data: 1 }])
    const reader = readerOf(streams.respond(source))
    await reader.next()
    await reader.next()
    assert.equal(streams.size(), 1)
    await reader.cancel()
    await turn()
    assert.deepEqual([streams.size(), state.returned], [0, true])
  })

  it('beat while nothing happens', async () => {
    const time = manualClock()
    const streams = createEventStreams({ clock: time.clock, logger: silentLogger }, INIT)
    const reader = readerOf(streams.respond(silent))
    assert.equal(await reader.next(), 'retry: 2000\n\n')
    for (let i = 0; i < 3; i += 1) {
      const next = reader.next()
      await turn()
      time.wake(15)
      assert.equal(await next, ': heartbeat\n\n')
    }
    await reader.cancel()
  })

  it('let a client go that reads nothing for too long', async () => {
    const time = manualClock()
    const streams = createEventStreams({ clock: time.clock, logger: silentLogger }, INIT)
    const { state, source } = counting([{ data: 1 }])
    const reader = readerOf(streams.respond(source))
    await reader.next()
    await reader.next()
    await turn()
    time.wake(60)
    await turn()
    await turn()
    assert.deepEqual([streams.size(), state.returned], [0, true])
    await assert.rejects(async () => {
      for (;;) await reader.read()
    }, /too slowly/)
  })

  it('end together when the gateway stops', async () => {
    const streams = createEventStreams({ clock: manualClock().clock, logger: silentLogger }, INIT)
    const readers = [readerOf(streams.respond(silent)), readerOf(streams.respond(silent))]
    for (const reader of readers) await reader.next()
    const ends = readers.map((reader) => reader.read())
    await turn()
    await streams.stop()
    assert.deepEqual(
      (await Promise.all(ends)).map(({ done }) => done),
      [true, true],
    )
    assert.equal(streams.size(), 0)
  })

  it('end for whoever may go on no more, before anything more is told', async () => {
    const time = manualClock()
    const streams = createEventStreams({ clock: time.clock, logger: silentLogger }, INIT)
    let may = true
    const { source } = counting([{ data: 1 }])
    const [idle, busy, other] = [
      readerOf(streams.respond(silent, { mayGoOn: () => may })),
      readerOf(streams.respond(source, { mayGoOn: () => may })),
      readerOf(streams.respond(silent)),
    ]
    for (const reader of [idle, busy, other]) await reader.next()
    await busy.next()
    may = false
    // What was handed over before is read; nothing comes after it.
    let more = 0
    while (!(await busy.read()).done) more += 1
    assert.ok(more <= 1, `${more} more`)
    const end = idle.read()
    await turn()
    streams.review()
    assert.equal((await end).done, true)
    assert.equal(streams.size(), 1)
    await other.cancel()
  })

  it('end, and say so in the log, where the source breaks', async () => {
    const streams = createEventStreams({ clock: manualClock().clock, logger: silentLogger }, INIT)
    async function* broken(): AsyncGenerator<ServerEvent[]> {
      yield [{ data: 1 }]
      throw new Error('broken')
    }
    const reader = readerOf(streams.respond(broken))
    await assert.rejects(async () => {
      for (;;) await reader.read()
    }, /broken/)
    assert.equal(streams.size(), 0)
  })
})
