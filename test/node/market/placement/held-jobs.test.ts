import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { Clock } from '../../../../node/clock.ts'
import type { Directory } from '../../../../node/directory/index.ts'
import { silentLogger } from '../../../../node/logger.ts'
import { createRequester, type RunningRequester } from '../../../../node/market/requester.ts'
import { openDatabase } from '../../../../node/store/database.ts'
import { JobNotFoundError, JobStateError, type JobStore } from '../../../../node/store/index.ts'
import { openJobStore } from '../../../../node/store/job-store.ts'
import { createSecretBox } from '../../../../node/store/secret-box.ts'
import { newJobId } from '../../../../protocol/ids.ts'
import { jobSubmissionSchema } from '../../../../protocol/job-spec.ts'
import { createMemoryHub, type MemoryPeer } from '../../../support/memory-network.ts'
import { createSimClock, type SimClock } from '../../../support/sim-clock.ts'
import { until } from '../../../support/until.ts'

const NOBODY: Directory = { list: () => [], get: () => undefined, onChange: () => () => {} }

let folder: string
let clock: SimClock
let peer: MemoryPeer
let store: JobStore
let requester: RunningRequester

async function start(): Promise<void> {
  const database = await openDatabase(folder)
  store = await openJobStore({ database, secretBox: createSecretBox('key'), clock })
  const { network, privateKey } = peer
  const parts = { network, privateKey, networkName: 'test', directory: NOBODY, store, logger: silentLogger }
  requester = createRequester({ ...parts, clock: clock as Clock })
  await requester.start()
}

async function stop(): Promise<void> {
  await requester.stop()
  await store.close()
}

async function hold(fields: object = {}): Promise<string> {
  const spec = jobSubmissionSchema.parse({ image: 'busybox', ...fields })
  const { job } = await requester.submit({ owner: 'local', spec, hold: true })
  return job.id
}

const statusOf = async (id: string) => (await store.get(id))?.state.status
const drivers = () => requester.counters().jobs

describe('a held job', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-held-'))
    clock = createSimClock()
    peer = await createMemoryHub({ clock }).join()
    await start()
  })
  afterEach(async () => {
    await stop()
    await rm(folder, { recursive: true })
  })

  it('is looked after by nobody until it is released, and its queueTimeout counts from there', async () => {
    const id = await hold({ queueTimeout: 2 })
    await clock.advance(60_000)
    assert.equal(await statusOf(id), 'pending')
    assert.equal(drivers(), 0)
    const job = await requester.release(id)
    assert.equal(drivers(), 1)
    await until(() => requester.waiting(job) !== null)
    assert.deepEqual(requester.waiting(job), { leftMs: 2_000, answered: 0, nearest: null })
    await clock.advance(500)
    assert.equal(await statusOf(id), 'pending')
    await until(async () => {
      await clock.advance(100)
      return requester.waiting(job)?.nearest !== null
    })
    assert.equal(requester.waiting(job)?.nearest?.details.reason, 'no-provider-known')
    await until(async () => {
      await clock.advance(500)
      return (await statusOf(id)) === 'failed'
    })
    const state = (await store.get(id))?.state
    assert.equal(state?.status === 'failed' && state.failure.code, 'NO_PROVIDER')
    await until(() => requester.waiting(job) === null)
  })

  it('is asked for again at once where it was changed, and its queueTimeout counts from there', async () => {
    const job = await requester.release(await hold({ queueTimeout: 60 }))
    await until(async () => {
      await clock.advance(1_000)
      return (requester.waiting(job)?.leftMs ?? 60_000) < 30_000
    })
    requester.askAgain(job)
    await until(() => (requester.waiting(job)?.leftMs ?? 0) > 50_000)
  })

  it('stays held over a restart, and a released one is taken up', async () => {
    const [held, released] = [await hold(), await hold()]
    await requester.release(released)
    await stop()
    await start()
    assert.equal(drivers(), 1)
    const state = (await store.get(held))?.state
    assert.equal(state?.status === 'pending' && state.held, true)
  })

  it('is cancelled at once, and a release after that does nothing', async () => {
    const id = await hold()
    const cancelled = await requester.cancel(id)
    assert.equal(cancelled.state.status, 'cancelled')
    assert.deepEqual(
      (await store.events(id)).map(({ type }) => type),
      ['created', 'cancelled'],
    )
    assert.equal((await requester.release(id)).state.status, 'cancelled')
    await until(() => drivers() === 0)
    await assert.rejects(requester.cancel(id), JobStateError)
  })

  it('may be released twice, has the id that it was given, and is unknown by any other', async () => {
    const id = newJobId(clock.nowMs())
    const spec = jobSubmissionSchema.parse({ image: 'busybox' })
    const { job } = await requester.submit({ id, owner: 'local', spec, hold: true })
    assert.equal(job.id, id)
    await requester.release(id)
    await requester.release(id)
    assert.equal(drivers(), 1)
    await assert.rejects(requester.release(newJobId(clock.nowMs())), JobNotFoundError)
  })
})
