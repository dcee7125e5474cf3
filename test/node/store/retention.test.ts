import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Clock, systemClock } from '../../../node/clock.ts'
import type { JobStore, MetricSample } from '../../../node/store/index.ts'
import { createTables } from '../../../node/store/tables.ts'
import { bringTo, openSampleStore, submitSample } from './support/sample-jobs.ts'

const DAY = 24 * 3_600_000
const NONE = { logsMs: null, metricsMs: null, eventsMs: null }
const never = new AbortController().signal
const SAMPLE: MetricSample = {
  timestampMs: 0,
  cpuMillis: 1,
  memoryBytes: 1,
  rxBytes: 0,
  txBytes: 0,
  storageBytes: null,
}

describe('what is older than it is kept', () => {
  let folder: string
  let nowMs: number
  let opened: Awaited<ReturnType<typeof openSampleStore>>
  let store: JobStore

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-retention-'))
    nowMs = 100 * DAY
    // Time goes by on all clocks alike.
    const sinceBoot = () => ({ bootId: 'boot', ms: nowMs })
    const clock: Clock = { ...systemClock, nowMs: () => nowMs, sinceBoot }
    opened = await openSampleStore(folder, clock)
    store = opened.store
  })
  afterEach(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })

  /** A job with three lines and one sample, taken to `status`. */
  async function job(status: 'running' | 'completed' | 'failed', atMs: number): Promise<string> {
    const { id } = await submitSample(store, { createdAtMs: atMs })
    await bringTo(store, id, status, { atMs })
    await store.change(id, (draft) => {
      draft.logs(
        1,
        ['a', 'b', 'c'].map((line) => ({ line, timestampMs: atMs, stream: 'stdout', partial: false })),
      )
      draft.metric({ ...SAMPLE, timestampMs: atMs })
    })
    return id
  }

  async function left(id: string): Promise<{ logs: number; metrics: number; events: number }> {
    const [logs, metrics, events] = await Promise.all([
      store.logs(id, 1, 100),
      store.metrics(id, 0, Number.MAX_SAFE_INTEGER),
      store.events(id),
    ])
    return { logs: logs.length, metrics: metrics.length, events: events.length }
  }

  it('goes, of each kind by its own age, and the job stays', async () => {
    const old = await job('completed', nowMs - 40 * DAY)
    const young = await job('failed', nowMs - 5 * DAY)
    const running = await job('running', nowMs - 40 * DAY)
    const before = { old: await left(old), young: await left(young) }
    assert.deepEqual([before.old.logs, before.old.metrics], [3, 1])

    await store.forgetOld({ ...NONE, logsMs: 30 * DAY }, never)
    assert.deepEqual(await left(old), { ...before.old, logs: 0 })
    assert.deepEqual(await left(young), before.young)
    assert.equal((await left(running)).logs, 3, 'a running job keeps its output')
    const { logs, state } = (await store.get(old)) ?? assert.fail()
    assert.deepEqual([logs.first, logs.lines, logs.bytes, state.status], [4, 3, 0, 'completed'])

    await store.forgetOld({ ...NONE, metricsMs: 30 * DAY }, never)
    assert.deepEqual([(await left(old)).metrics, (await left(young)).metrics, (await left(running)).metrics], [0, 1, 0])

    await store.forgetOld({ ...NONE, eventsMs: 30 * DAY }, never)
    assert.equal((await left(old)).events, 0)
    assert.deepEqual(await left(young), before.young)
  })

  it('is looked for once: later passes go on with what has come of age since', async () => {
    const first = await job('completed', nowMs - 31 * DAY)
    const second = await job('completed', nowMs - 29 * DAY)
    const retention = { ...NONE, logsMs: 30 * DAY }
    assert.equal((await store.forgetOld(retention, never)).jobs, 1)
    assert.equal((await store.forgetOld(retention, never)).jobs, 0)
    nowMs += 2 * DAY
    assert.equal((await store.forgetOld(retention, never)).jobs, 1)
    assert.deepEqual([(await left(first)).logs, (await left(second)).logs], [0, 0])
  })

  it('leaves the feed its newest entry, so that positions go on', async () => {
    await submitSample(store, { createdAtMs: nowMs })
    await submitSample(store, { createdAtMs: nowMs })
    nowMs += 100 * DAY
    const { feed } = await store.forgetOld({ ...NONE, eventsMs: 30 * DAY }, never)
    assert.equal(feed, 1)
    assert.deepEqual(
      (await store.feed(0, 10)).map(({ position }) => position),
      [2],
    )
    await submitSample(store, { createdAtMs: nowMs })
    assert.equal(store.feedEnd(), 3)
  })

  it('forgets idempotency keys whose day is over', async () => {
    const { job: sample } = await store.create({
      owner: 'alice',
      spec: (await store.get((await submitSample(store, { createdAtMs: nowMs })).id))?.spec ?? assert.fail(),
      secrets: { secrets: {}, registryCredentials: undefined },
      idempotency: { key: 'k', digest: 'd' },
    })
    assert.equal((await store.forgetOld(NONE, never)).keys, 0)
    nowMs += 25 * 3_600_000
    assert.equal((await store.forgetOld(NONE, never)).keys, 1)
    assert.deepEqual(await createTables(opened.database).idempotency.keys().all(), [])
    assert.equal((await store.get(sample.id))?.id, sample.id)
  })
})
