import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Clock, systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { checkStore, remakeLists } from '../../../node/store/check-store.ts'
import type { ForgetJobsInit, JobStore } from '../../../node/store/index.ts'
import { createSecretBox } from '../../../node/store/secret-box.ts'
import { bringTo, openSampleStore, submitSample } from './support/sample-jobs.ts'

const DAY = 24 * 3_600_000
const never = new AbortController().signal

describe('jobs that ended longer ago than they are kept', () => {
  let folder: string
  let nowMs: number
  let opened: Awaited<ReturnType<typeof openSampleStore>>
  let store: JobStore

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-forget-'))
    nowMs = 100 * DAY
    const clock: Clock = { ...systemClock, nowMs: () => nowMs, sinceBoot: () => ({ bootId: 'boot', ms: nowMs }) }
    opened = await openSampleStore(folder, clock)
    store = opened.store
  })
  afterEach(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })

  async function job(status: 'running' | 'completed' | 'cancelled', atMs: number, more: object = {}): Promise<string> {
    const { id } = await submitSample(store, { createdAtMs: atMs, secrets: { TOKEN: 't' }, ...more })
    await bringTo(store, id, status, { atMs, meteredMs: 3_600_000 })
    await store.change(id, (draft) => {
      draft.logs(1, [{ line: 'a line', timestampMs: atMs, stream: 'stdout', partial: false }])
      draft.metric({
        ...{ timestampMs: atMs, cpuMillis: 1, memoryBytes: 1, rxBytes: 0, txBytes: 0, storageBytes: null },
      })
    })
    return id
  }

  async function forget(more: Partial<ForgetJobsInit> = {}, signal = never): Promise<number> {
    const init = { keepMs: 30 * DAY, isNeeded: async () => false, before: async () => undefined, ...more }
    return await store.forgetJobs(init, signal)
  }

  /** What a check finds. */
  async function problems(): Promise<string[]> {
    const found: string[] = []
    await checkStore({
      ...{ database: opened.database, secretBox: createSecretBox('key'), looked: () => undefined },
      settled: async () => undefined,
      found: (what) => async (problem) => void found.push(`${what} ${problem.kind} ${problem.which}`),
    })
    return found
  }

  it('go with all that is theirs, and younger ones and those that run stay', async () => {
    const old = await job('completed', nowMs - 40 * DAY, { batch: 'b1', fields: { labels: { team: 'a' } } })
    const stays = [await job('cancelled', nowMs - 5 * DAY), await job('running', nowMs - 40 * DAY)]
    const told: string[] = []
    assert.equal(await forget({ before: async ({ id }) => void told.push(id) }), 1)
    assert.deepEqual(told, [old])
    assert.equal(await store.get(old), undefined)
    const tables = ['jobs', 'events', 'logs', 'metrics', 'bids', 'secrets', 'order']
    for (const table of tables) {
      const keys = await opened.database.keys({ gt: `!${table}!`, lt: `!${table}"` }).all()
      assert.deepEqual(
        keys.filter((key) => key.includes(old)),
        [],
        table,
      )
    }
    assert.deepEqual((await store.list({ limit: 10 })).jobs.map(({ id }) => id).toSorted(), stays.toSorted())
    assert.equal((await store.list({ batch: 'b1', limit: 10 })).total, 0)
    assert.equal((await store.list({ labels: { team: 'a' }, limit: 10 })).total, 0)
    assert.deepEqual(await problems(), [])
    assert.equal(await forget(), 0)
  })

  it('leave what they cost, and it counts on, also where lists are made anew', async () => {
    const old = await job('completed', nowMs - 40 * DAY)
    const young = await job('completed', nowMs - 1 * DAY)
    const [before, whole] = [await store.costAt('p1'), await store.get(old)]
    assert.ok(before > 0n)
    await forget()
    assert.equal(await store.costAt('p1'), before)
    assert.equal(await store.costAt('p1', 'alice'), before)
    const bills = await Array.fromAsync(store.eachBill(0, nowMs))
    assert.deepEqual(
      bills.map(({ id }) => id),
      [old],
    )
    assert.deepEqual(await store.bill(old), bills[0])
    assert.deepEqual(bills[0]?.state, whole?.state)
    assert.ok(!JSON.stringify(bills).includes('busybox -') && !('secrets' in (bills[0]?.spec ?? {})))
    assert.deepEqual(await Array.fromAsync(store.eachBill(nowMs + 1, nowMs + DAY)), [])
    assert.equal(await store.bill(young), undefined)
    await opened.database.del('!meta!schema')
    await remakeLists({ database: opened.database, logger: silentLogger })
    assert.equal(await store.costAt('p1'), before)
    assert.deepEqual(await problems(), [])
  })

  it('stay where something needs them, or their output is on its way', async () => {
    const [needed, waiting, goes] = [
      await job('completed', nowMs - 42 * DAY),
      await job('completed', nowMs - 41 * DAY),
      await job('completed', nowMs - 40 * DAY),
    ]
    await store.change(waiting, (draft) => draft.patch({ output: { state: 'waiting', bytes: 1, message: '' } }))
    assert.equal(await forget({ isNeeded: async ({ id }) => id === needed }), 1)
    const left = await Promise.all([needed, waiting, goes].map(async (id) => (await store.get(id))?.id))
    assert.deepEqual(left, [needed, waiting, undefined])
    assert.equal(await forget(), 1)
  })

  it('go on going after a pass that was cut off, wherever that was', async () => {
    const ids: string[] = []
    for (let i = 0; i < 5; i += 1) ids.push(await job('completed', nowMs - 40 * DAY + i))
    const stop = new AbortController()
    const init = { before: async ({ id }: { id: string }) => void (id === ids[2] && stop.abort()) }
    const first = await forget(init, stop.signal)
    assert.equal(first, 3)
    assert.deepEqual(await problems(), [])
    // A job of which some had gone already.
    await store.change(ids[3] ?? '', (draft) => draft.forgetLogs())
    await opened.database.clear({ gt: `!logs!${ids[3]}!`, lt: `!logs!${ids[3]}!~` })
    await opened.database.clear({ gt: `!events!${ids[3]}!`, lt: `!events!${ids[3]}!~` })
    assert.deepEqual(await problems(), [])
    assert.equal(await forget(), 2)
    assert.equal((await store.list({ limit: 1 })).total, 0)
    assert.equal((await Array.fromAsync(store.eachBill(0, nowMs))).length, 5)
  })

  it('break no page of a list that somebody follows', async () => {
    const ids: string[] = []
    for (let i = 0; i < 9; i += 1) ids.push(await job('completed', nowMs - (i < 5 ? 40 : 5) * DAY + i))
    const first = await store.listIds({ order: 'asc', limit: 3 })
    assert.deepEqual(first.ids, ids.slice(0, 3))
    await forget()
    // The job that the page ended with is gone, and what came behind it that is left comes next.
    const second = await store.listIds({ order: 'asc', limit: 3, after: first.next ?? '' })
    assert.deepEqual(second.ids, ids.slice(5, 8))
    const by = await store.listIds({ sort: 'endedAt', order: 'desc', limit: 2 })
    const then = await store.listIds({ sort: 'endedAt', order: 'desc', limit: 9, after: by.next ?? '' })
    assert.deepEqual([...by.ids, ...then.ids], ids.slice(5).toReversed())
  })
})
