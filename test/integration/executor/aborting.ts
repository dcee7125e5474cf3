import assert from 'node:assert/strict'
import { test } from 'node:test'
import { collect, loop, type TestBed } from './bed.ts'

/** Every call can be given up. */
export function abortingTests(bed: TestBed): void {
  test('every call rejects with the reason of its signal', async () => {
    const container = await bed.run(loop)
    const reason = new Error('enough')
    const calls: [string, (signal: AbortSignal) => Promise<unknown>][] = [
      ['wait', (signal) => bed.engine.wait(container, { signal })],
      ['logs', (signal) => bed.readAll(container, 1, { signal })],
      ['stats', (signal) => collect(bed.engine.stats(container, 60_000, { signal }))],
      ['stop', (signal) => bed.engine.stop(container, { graceMs: 60_000, signalName: 'SIGURG' }, { signal })],
    ]
    for (const [what, call] of calls) {
      const controller = new AbortController()
      const running = call(controller.signal)
      setTimeout(() => controller.abort(reason), 100)
      await assert.rejects(running, reason, what)
    }
    const aborted = { signal: AbortSignal.abort(reason) }
    const spec = bed.specOf('')
    const further: [string, () => Promise<unknown>][] = [
      ['create', () => bed.engine.create(spec, aborted)],
      ['start', () => bed.engine.start(container, aborted)],
      ['remove', () => bed.engine.remove(container, aborted)],
      ['list', () => bed.engine.list(bed.owner, aborted)],
      ['info', () => bed.engine.info(aborted)],
      ['pull', () => bed.engine.pull({ image: bed.image, policy: 'IfNotPresent' }, aborted)],
    ]
    for (const [what, call] of further) await assert.rejects(call, reason, what)
    assert.equal((await bed.engine.list(bed.owner)).find(({ name: left }) => left === container)?.state, 'running')
    await bed.engine.remove(container)
  })
}
