import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../../node/logger.ts'
import { createStarts, type Starts } from '../../../../node/market/reputation/starts.ts'
import type { JobRecord, StartRecord } from '../../../../node/store/index.ts'
import { createSimClock, type SimClock } from '../../../support/sim-clock.ts'

const LIAR = '12D3KooWLiar'

describe('how soon jobs began, beside what was said', () => {
  let clock: SimClock
  let kept: Map<string, StartRecord>
  let starts: Starts
  let changed: () => void
  let startedAtMs: number | null

  const opened = (): Starts =>
    createStarts({
      clock,
      logger: silentLogger,
      store: {
        starts: async () => kept,
        keepStart: async (at, record) => void (record === null ? kept.delete(at) : kept.set(at, record)),
        get: async () => ({ state: { status: 'running', startedAtMs } }) as JobRecord,
        onChange(_, callback) {
          changed = callback
          return () => undefined
        },
      },
    })

  beforeEach(() => {
    clock = createSimClock()
    kept = new Map()
    changed = () => undefined
    starts = opened()
  })

  /** A job of this owner that said so much, and took so long. */
  async function job(saidMs: number, tookMs: number, { owner = 'me', mostMs = 60_000 } = {}): Promise<void> {
    startedAtMs = null
    starts.placed({ id: 'job', owner }, { provider: LIAR, waiting: { missingBytes: 0, saidMs, mostMs } })
    const unfollow = starts.follow('job')
    changed()
    await clock.advance(tookMs)
    startedAtMs = clock.nowMs()
    changed()
    await clock.advance(0)
    unfollow()
  }
  const believed = (saidMs: number, owner?: string): number => starts.believedMs(LIAR, saidMs, owner)

  it('believes who was never seen, and who keeps his word', async () => {
    assert.equal(believed(3_000, 'me'), 3_000)
    await job(30_000, 34_000)
    assert.equal(believed(3_000, 'me'), 3_000)
  })

  it('outweighs by what it saw who says that all is there, and has it come', async () => {
    await job(0, 60_000)
    const once = believed(0, 'me')
    assert.ok(once > 20_000, String(once))
    await job(0, 60_000)
    assert.ok(believed(0, 'me') > once)
  })

  it('is for that owner alone: whose image comes slowly speaks against nobody else’s provider', async () => {
    await job(0, 60_000)
    assert.equal(believed(0, 'you'), 0)
    assert.equal(believed(0), 0)
  })

  it('believes again who keeps his word again', async () => {
    await job(0, 60_000)
    for (let i = 0; i < 8; i += 1) await job(0, 2_000)
    assert.equal(believed(0, 'me'), 0)
  })

  it('learns nothing by jobs that bring next to nothing, so that nobody is whitewashed by them', async () => {
    await job(0, 60_000)
    const before = believed(0, 'me')
    await job(0, 500, { mostMs: 1_000 })
    assert.equal(believed(0, 'me'), before)
  })

  it('is known again after a restart', async () => {
    await job(0, 60_000)
    const before = believed(0, 'me')
    starts = opened()
    assert.equal(believed(0, 'me'), 0)
    await starts.recall()
    assert.equal(believed(0, 'me'), before)
  })
})
