import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openGatewayApp } from '../../../gateway/app.ts'
import { batchRowsSchema, batchSchema } from '../../../gateway/contract/batches.ts'
import { successSchema } from '../../../gateway/contract/envelope.ts'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { isTerminal } from '../../../protocol/lifecycle.ts'
import { until } from '../../support/until.ts'
import { ADMIN_KEY, openTestGateway, type TestGateway } from '../support/test-gateway.ts'

const BATCH = '/api/plugin-core/jobs/batch'
const BATCHES = '/api/plugin-core/jobs/batches'
let gateway: TestGateway
/** The most jobs that were released and not ended at any release. */
let most: number
let released: string[]

async function activeNow(): Promise<string[]> {
  const { jobs } = await gateway.store.list({ limit: 1000 })
  return jobs
    .filter(({ state }) => !isTerminal(state.status) && !(state.status === 'pending' && state.held))
    .map(({ id }) => id)
}

async function submit(count: number, concurrency: number): Promise<{ batchId: string; jobIds: string[] }> {
  const jobs = Array.from({ length: count }, () => ({ image: 'busybox' }))
  const answer = await gateway.ask('POST', BATCH, { json: { jobs, concurrency } })
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  return answer.data
}

async function batch(id: string) {
  return successSchema(batchSchema).parse((await gateway.ask('GET', `${BATCHES}/${id}`)).body).data
}

async function rowsOf(id: string): Promise<[number, string, string | null][]> {
  const answer = await gateway.ask('GET', `${BATCHES}/${id}/rows`)
  const { data } = successSchema(batchRowsSchema).parse(answer.body)
  return data.rows.map(({ row, jobId, status }) => [row, jobId, status])
}

async function finishOne(id: string): Promise<void> {
  await gateway.play.start(id)
  await gateway.play.complete(id)
}

/** Opens the gateway again over the same records and jobs, as a restart does. */
async function reopened() {
  const { start, stop, features } = await openGatewayApp(
    { node: gateway.node, clock: systemClock, logger: silentLogger },
    { folder: gateway.folder, adminKey: ADMIN_KEY, version: '0.0.0' },
  )
  await start()
  const { batches, batchRunner } = features.batches
  return { batches, batchRunner, stop }
}

describe('the concurrency of a batch', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
    most = 0
    released = []
    const { requester } = gateway.node
    const { release } = requester
    requester.release = async (id) => {
      const job = await release(id)
      most = Math.max(most, (await activeNow()).length)
      released.push(id)
      return job
    }
    await gateway.start()
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('is kept until the last job, in the order of the rows', async () => {
    const { batchId, jobIds } = await submit(12, 3)
    for (const [i, id] of jobIds.entries()) {
      // As many as may run at once run before the next one ends.
      await until(() => released.length === Math.min(i + 3, 12))
      await finishOne(id)
    }
    await until(async () => (await batch(batchId)).status === 'completed')
    assert.deepEqual(released, jobIds)
    assert.equal(most, 3)
    const { counts, endedAt } = await batch(batchId)
    assert.deepEqual(counts, { pending: 0, scheduled: 0, running: 0, completed: 12, failed: 0, cancelled: 0 })
    assert.notEqual(endedAt, null)
  })

  it('counts a job that runs, and shows how far the batch is', async () => {
    const { batchId, jobIds } = await submit(4, 2)
    await until(() => released.length === 2)
    await gateway.play.start(jobIds[0] as string)
    await until(async () => (await batch(batchId)).counts.running === 1)
    assert.equal((await batch(batchId)).counts.pending, 3)
    assert.equal(released.length, 2)
    const list = await gateway.ask('GET', BATCHES)
    assert.deepEqual(
      list.data.map(({ id }: { id: string }) => id),
      [batchId],
    )
    const filtered = await gateway.ask('GET', `/api/plugin-core/jobs?batch=${batchId}&status=running`)
    assert.equal(filtered.body.meta.pagination.total, 1)
  })

  it('passes over jobs that were cancelled while they waited', async () => {
    const { batchId, jobIds } = await submit(3, 1)
    await until(() => released.length === 1)
    await gateway.ask('POST', `/api/plugin-core/jobs/${jobIds[1]}/cancel`)
    await finishOne(jobIds[0] as string)
    await until(() => released.includes(jobIds[2] as string))
    await finishOne(jobIds[2] as string)
    await until(async () => (await batch(batchId)).status === 'completed')
    assert.deepEqual((await batch(batchId)).counts, { ...NONE, completed: 2, cancelled: 1 })
    assert.equal(most, 1)
  })

  it('is kept over a restart in the middle, where nothing is started twice', async () => {
    const { batchId, jobIds } = await submit(6, 2)
    await until(() => released.length === 2)
    await finishOne(jobIds[0] as string)
    await until(() => released.length === 3)
    await gateway.stop()
    // Ends while the gateway is down.
    await finishOne(jobIds[1] as string)
    const again = await reopened()
    try {
      for (const id of jobIds.slice(2)) {
        await until(() => released.includes(id))
        await finishOne(id)
      }
      await until(async () => (await again.batches.get(batchId))?.status === 'completed')
      assert.deepEqual(released, jobIds)
      assert.equal(most, 2)
      assert.equal((await again.batches.get(batchId))?.counts?.completed, 6)
    } finally {
      await again.stop()
    }
  })

  it('undoes at the next start what was being prepared, and frees its key', async () => {
    const { batchId, jobIds } = await submit(3, 1)
    await until(() => released.length === 1)
    const record = await gateway.batches.get(batchId)
    assert.ok(record !== undefined)
    // As a crash before the answer leaves it.
    await gateway.batches.put({ ...record, status: 'preparing' })
    await gateway.stop()
    const again = await reopened()
    try {
      assert.equal(await again.batches.get(batchId), undefined)
      assert.deepEqual(await again.batches.members(batchId), [])
      const held = await Promise.all(jobIds.slice(1).map(async (id) => (await gateway.store.get(id))?.state.status))
      assert.deepEqual(held, ['cancelled', 'cancelled'])
    } finally {
      await again.stop()
    }
  })

  it('tells what became of each row, and runs the failed again as a batch of their own, once', async () => {
    const jobs = ['a', 'b', 'c', 'd'].map((word) => ({ image: 'busybox', args: [word], secrets: { WORD: word } }))
    const { data } = await gateway.ask('POST', BATCH, { json: { jobs, concurrency: 4 } })
    const { batchId, jobIds } = data as { batchId: string; jobIds: string[] }
    const again = async (id: string) => await gateway.ask('POST', `${BATCHES}/${id}/retry`)
    await until(() => released.length === 4)
    const early = await again(batchId)
    assert.deepEqual([early.status, early.code], [409, 'JOB_STATE_CONFLICT'])
    for (const [i, id] of jobIds.entries()) {
      await gateway.play.start(id)
      if (i % 2 === 0) await gateway.play.complete(id)
      else await gateway.play.fail(id, 3)
    }
    await until(async () => (await batch(batchId)).status === 'completed')
    assert.deepEqual(await rowsOf(batchId), [
      [1, jobIds[0], 'completed'],
      [2, jobIds[1], 'failed'],
      [3, jobIds[2], 'completed'],
      [4, jobIds[3], 'failed'],
    ])

    const [first, second] = await Promise.all([again(batchId), again(batchId)])
    assert.deepEqual([first.status, second.status].toSorted(), [200, 201])
    assert.deepEqual(first.data, second.data)
    const retried: string = first.data.batchId
    const ids: string[] = first.data.jobIds
    assert.deepEqual([(await batch(batchId)).retriedAs, (await batch(retried)).retryOf], [retried, batchId])
    const made = await Promise.all(ids.map(async (id) => await gateway.store.get(id)))
    assert.deepEqual(
      made.map((job) => [job?.spec.args, job?.origin.row, job?.origin.resubmittedFrom, job?.origin.batch]),
      [
        [['b'], '2', jobIds[1], retried],
        [['d'], '4', jobIds[3], retried],
      ],
    )
    assert.deepEqual((await gateway.store.secrets(ids[1] ?? '')).secrets, { WORD: 'd' })

    await until(() => released.length === 6)
    await finishOne(ids[0] as string)
    await gateway.play.start(ids[1] as string)
    await gateway.play.fail(ids[1] as string, 3)
    await until(async () => (await batch(retried)).status === 'completed')
    assert.deepEqual(await rowsOf(retried), [
      [2, ids[0], 'completed'],
      [4, ids[1], 'failed'],
    ])
    const third = await again(retried)
    assert.deepEqual([third.status, third.data.jobIds.length], [201, 1])
    await until(() => released.length === 7)
    await finishOne(third.data.jobIds[0])
    await until(async () => (await batch(third.data.batchId)).status === 'completed')
    const none = await again(third.data.batchId)
    assert.deepEqual([none.status, none.code], [409, 'JOB_STATE_CONFLICT'])
  })

  it('forgets what was to run again where that was not to be, and lets it be asked for anew', async () => {
    const { batchId, jobIds } = await submit(1, 1)
    await until(() => released.length === 1)
    await gateway.play.start(jobIds[0] as string)
    await gateway.play.fail(jobIds[0] as string, 1)
    await until(async () => (await batch(batchId)).status === 'completed')
    const retried: string = (await gateway.ask('POST', `${BATCHES}/${batchId}/retry`)).data.batchId
    const record = await gateway.batches.get(retried)
    assert.ok(record !== undefined)
    // As a crash before the answer leaves it.
    await gateway.batches.put({ ...record, status: 'preparing' })
    await gateway.stop()
    const again = await reopened()
    try {
      assert.equal(await again.batches.get(retried), undefined)
      assert.equal((await again.batches.get(batchId))?.retriedAs, undefined)
    } finally {
      await again.stop()
    }
  })

  it('shows its rows, and runs them again, to its owner alone', async () => {
    const { batchId } = await submit(1, 1)
    const bob = await gateway.keyFor('bob')
    for (const [method, path] of [
      ['GET', 'rows'],
      ['POST', 'retry'],
    ] as const) {
      const answer = await gateway.ask(method, `${BATCHES}/${batchId}/${path}`, { key: bob })
      assert.deepEqual([answer.status, answer.code], [404, 'RESOURCE_NOT_FOUND'])
    }
  })

  it('ends with the batch: a cancelled one starts nothing more, and is cancelled once its jobs are', async () => {
    const { batchId, jobIds } = await submit(5, 2)
    await until(() => released.length === 2)
    await gateway.play.start(jobIds[0] as string)
    const answer = await gateway.ask('POST', `${BATCHES}/${batchId}/cancel`)
    assert.equal(answer.data.status, 'cancelling')
    await until(async () => (await batch(batchId)).counts.cancelled === 3)
    // The scripted requester only notes the wish for those that are with somebody: they end as the market ends them.
    for (const id of jobIds.slice(0, 2)) {
      assert.notEqual((await gateway.store.get(id))?.cancelRequestedAtMs, null)
    }
    await gateway.play.complete(jobIds[0] as string)
    await finishOne(jobIds[1] as string)
    await until(async () => (await batch(batchId)).status === 'cancelled')
    assert.equal(released.length, 2)
    assert.equal((await gateway.ask('POST', `${BATCHES}/${batchId}/cancel`)).code, 'JOB_STATE_CONFLICT')
  })

  it('ends a cancellation that a restart interrupted', async () => {
    const { batchId } = await submit(3, 1)
    const record = await gateway.batches.get(batchId)
    assert.ok(record !== undefined)
    await gateway.batchRunner.idle()
    await gateway.batches.put({ ...record, status: 'cancelling' })
    await gateway.stop()
    const again = await reopened()
    try {
      await until(async () => (await again.batchRunner.counts(record)).cancelled === 2)
      assert.equal(released.length, 1)
    } finally {
      await again.stop()
    }
  })
})

const NONE = { pending: 0, scheduled: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }
