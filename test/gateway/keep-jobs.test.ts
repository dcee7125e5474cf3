import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { costRows, costSums, grouping } from '../../gateway/analytics/costs.ts'
import { daysIn } from '../../gateway/analytics/days.ts'
import { createNeeded } from '../../gateway/jobs/needed.ts'
import { DEFAULT_RETENTION, keepForgetting } from '../../gateway/jobs/retention.ts'
import { silentLogger } from '../../node/logger.ts'
import { openTestGateway, submit, type TestGateway } from './support/test-gateway.ts'

const JOBS = '/api/plugin-core/jobs'
let gateway: TestGateway

/** One pass, for which all that has ended is old. */
async function pass(): Promise<string[]> {
  const { store, clock, stillToRun, batchGoesOn } = gateway
  const stop = new AbortController()
  const forgotten: string[] = []
  let pauses = 0
  const sleep = async (): Promise<void> => {
    pauses += 1
    if (pauses === 2) stop.abort()
  }
  await keepForgetting(
    {
      ...{ store, logger: silentLogger, clock: { ...clock, sleep } },
      outputs: { forget: async (id) => void forgotten.push(id) },
      isNeeded: createNeeded({ store, stillToRun, batchGoesOn, clock }),
    },
    { ...DEFAULT_RETENTION, jobsMs: -60_000 },
    stop.signal,
  )
  return forgotten
}

/** A job that left something. */
async function ended(fields: object = {}): Promise<string> {
  const id = await submit(gateway, { outputs: '/out', ...fields })
  await gateway.play.start(id)
  await gateway.play.complete(id, { meteredMs: 3_600_000 })
  await gateway.store.change(id, (draft) => draft.patch({ output: { state: 'kept', bytes: 1, message: '' } }))
  return id
}

describe('--keep-jobs', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('leaves jobs whose output something that is still to run brings', async () => {
    const [byJob, bySchedule, byTemplate, byNobody] = [await ended(), await ended(), await ended(), await ended()]
    const brings = (job: string) => ({ image: 'busybox', inputs: [{ path: '/in', from: { job } }] })
    const next = await submit(gateway, brings(byJob))
    const schedule = { name: 's', schedule: '@yearly', config: brings(bySchedule) }
    assert.equal((await gateway.ask('POST', `${JOBS}/schedules`, { json: schedule })).status, 201)
    const template = { name: 't', config: brings(byTemplate) }
    const made = await gateway.ask('POST', `${JOBS}/templates`, { json: template })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    assert.deepEqual(await pass(), [byNobody])
    assert.equal((await gateway.ask('GET', `${JOBS}/${byNobody}`)).status, 404)
    for (const id of [byJob, bySchedule, byTemplate, next])
      assert.equal((await gateway.ask('GET', `${JOBS}/${id}`)).status, 200)
    await gateway.ask('DELETE', `${JOBS}/templates/${made.data.id}`)
    await gateway.play.start(next)
    await gateway.play.complete(next)
    assert.deepEqual((await pass()).toSorted(), [byJob, byTemplate, next].toSorted())
  })

  it('leaves the jobs of a batch until it has ended, whose counts stay', async () => {
    const json = { jobs: [{ image: 'busybox' }, { image: 'busybox' }], concurrency: 2 }
    await gateway.start()
    const { batchId, jobIds } = (await gateway.ask('POST', `${JOBS}/batch`, { json })).data
    const [first, second] = jobIds as [string, string]
    await gateway.batchRunner.idle()
    await gateway.play.start(first)
    await gateway.play.complete(first)
    assert.deepEqual(await pass(), [])
    await gateway.play.start(second)
    await gateway.play.complete(second)
    for (;;) {
      await gateway.batchRunner.idle()
      if ((await gateway.ask('GET', `${JOBS}/batches/${batchId}`)).data.status === 'completed') break
      await new Promise((resolve) => setImmediate(resolve))
    }
    const before = (await gateway.ask('GET', `${JOBS}/batches/${batchId}`)).data
    assert.deepEqual((await pass()).toSorted(), [first, second].toSorted())
    assert.deepEqual((await gateway.ask('GET', `${JOBS}/batches/${batchId}`)).data, before)
    assert.equal((await gateway.ask('GET', `${JOBS}?batch=${batchId}`)).data.length, 0)
  })

  it('knows of inputs of jobs that came meanwhile, and reads the others again neither for them nor for other events', async () => {
    let reads = 0
    const store = {
      ...gateway.store,
      async *active() {
        reads += 1
        yield* gateway.store.active()
      },
    }
    const { stillToRun, batchGoesOn, clock } = gateway
    let nowMs = 0
    const isNeeded = createNeeded({
      ...{ store, stillToRun, batchGoesOn },
      clock: { ...clock, monotonicMs: () => nowMs },
    })
    const [brought, other] = [await ended(), await ended()]
    const needed = async (id: string) => await isNeeded((await gateway.store.get(id)) ?? assert.fail())
    for (let i = 0; i < 5; i += 1) {
      await submit(gateway)
      assert.deepEqual([await needed(brought), await needed(other)], [false, false])
    }
    await submit(gateway, { image: 'busybox', inputs: [{ path: '/in', from: { job: brought } }] })
    assert.deepEqual([await needed(brought), await needed(other)], [true, false])
    assert.equal(reads, 1)
    nowMs += 60_000
    assert.equal(await needed(brought), true)
    assert.equal(reads, 2)
  })

  it('counts what a job cost once where it goes while costs are added up', async () => {
    const id = await submit(gateway)
    await gateway.play.start(id)
    await gateway.play.complete(id, { meteredMs: 3_600_000 })
    const kept = await submit(gateway)
    const gone: string[] = []
    const store = {
      ...gateway.store,
      async look(ids: string[], look: Parameters<typeof gateway.store.look>[1]) {
        await gateway.store.look(ids, look)
        gone.push(...(await pass()))
      },
    }
    const range = { owner: undefined, fromMs: 0, toMs: Date.now() + 60_000 }
    const byDay = grouping('day', daysIn('UTC'))
    const { total } = costRows(await costSums(store, range, byDay))
    assert.deepEqual(gone, [id])
    assert.deepEqual([total.jobs, total.actual], [2, 0.01])
    assert.deepEqual(costRows(await costSums(gateway.store, range, byDay)).total, total)
    assert.notEqual(await gateway.store.get(kept), undefined)
  })

  it('keeps what jobs cost and their receipts, for their owner alone', async () => {
    const alice = await gateway.keyFor('alice')
    const id = await submit(gateway, { labels: { team: 'a' } }, alice)
    await gateway.play.start(id)
    await gateway.play.complete(id, { meteredMs: 3_600_000 })
    const costs = async (groupBy: string) =>
      (await gateway.ask('GET', `/api/plugin-core/analytics/costs?groupBy=${groupBy}`, { key: alice })).data
    const read = async () => [
      ...(await Promise.all(['day', 'provider', 'label.team'].map(async (by) => (await costs(by)).rows))),
      (await gateway.ask('GET', `${JOBS}/${id}/receipts`, { key: alice })).data,
      (await gateway.ask('GET', '/api/plugin-core/providers', { key: alice })).data[0].metrics.costToDate,
    ]
    const before = await read()
    assert.equal(before[2][0].actual, 0.01)
    assert.deepEqual(await pass(), [id])
    assert.equal((await gateway.ask('GET', `${JOBS}/${id}`, { key: alice })).status, 404)
    assert.deepEqual(await read(), before)
    const bob = await gateway.keyFor('bob')
    assert.equal((await gateway.ask('GET', `${JOBS}/${id}/receipts`, { key: bob })).status, 404)
    assert.equal((await gateway.ask('GET', `${JOBS}/${id}/receipts`)).status, 200, 'an admin sees all')
    assert.equal((await gateway.ask('GET', `${JOBS}/${id}/receipt`, { key: alice })).code, 'RESOURCE_NOT_FOUND')
  })
})
