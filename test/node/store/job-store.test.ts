import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { openDatabase } from '../../../node/store/database.ts'
import type { JobStateError, JobStore } from '../../../node/store/index.ts'
import { openJobStore } from '../../../node/store/job-store.ts'
import { createSecretBox } from '../../../node/store/secret-box.ts'
import { lineOf } from '../../../node/store/stored-lines.ts'
import { jobSubmissionSchema, splitSecrets } from '../../../protocol/job-spec.ts'
import { IllegalTransitionError } from '../../../protocol/lifecycle.ts'
import { sampleLease } from '../../support/sample-lease.ts'

const LEASE = sampleLease()

let folder: string
let store: JobStore

async function open(): Promise<JobStore> {
  const database = await openDatabase(folder)
  return await openJobStore({ database, secretBox: createSecretBox('key'), clock: systemClock })
}

function newJob(fields: object = {}) {
  return { owner: 'alice', ...splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', ...fields })) }
}

async function submit(owner = 'alice', fields: object = {}): Promise<string> {
  return (await store.create({ ...newJob(fields), owner })).job.id
}

async function schedule(id: string, provider = 'p1'): Promise<void> {
  await store.change(id, (draft) =>
    draft.transition({
      expect: ['pending'],
      to: { status: 'scheduled', lease: { ...LEASE, provider }, scheduledAtMs: 5 },
      by: 'provider',
      event: 'scheduled',
    }),
  )
}

describe('job store', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-store-'))
    store = await open()
  })

  afterEach(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })

  it('keeps record, events, feed and counters over a restart', async () => {
    const id = await submit()
    await schedule(id)
    await store.close()
    store = await open()
    assert.equal((await store.get(id))?.state.status, 'scheduled')
    assert.deepEqual(
      (await store.events(id)).map(({ seq, type }) => [seq, type]),
      [
        [1, 'created'],
        [2, 'scheduled'],
      ],
    )
    const other = await submit()
    assert.deepEqual(
      (await store.feed(0, 10)).map((entry) => [entry.position, entry.jobId]),
      [
        [1, id],
        [2, id],
        [3, other],
      ],
    )
    assert.equal((await store.list({ limit: 10 })).total, 2)
  })

  it('refuses a transition that the job is not ready for, and writes nothing', async () => {
    const id = await submit()
    await schedule(id)
    await assert.rejects(schedule(id), (error: JobStateError) => error.code === 'JOB_STATE_CONFLICT')
    const illegal = store.change(id, (draft) => {
      draft.event('bidding')
      draft.transition({
        expect: ['scheduled'],
        to: { status: 'completed', lease: LEASE, scheduledAtMs: 1, startedAtMs: 2, endedAtMs: 3, exitCode: 0 },
        by: 'provider',
        event: 'completed',
      })
    })
    await assert.rejects(illegal, IllegalTransitionError)
    assert.equal((await store.events(id)).length, 2)
    assert.equal((await store.get(id))?.lastEvent, 2)
  })

  it('lists by owner, status and provider with totals, pages and cursors', async () => {
    const ids: string[] = []
    for (let i = 0; i < 9; i += 1) ids.push(await submit(i % 3 === 0 ? 'bob' : 'alice'))
    for (const id of ids.slice(0, 4)) await schedule(id, 'p7')
    const newestFirst = ids.toReversed()
    const all = await store.list({ limit: 4 })
    assert.deepEqual([all.jobs.map((job) => job.id), all.total, all.hasMore], [newestFirst.slice(0, 4), 9, true])
    const next = await store.list({ limit: 100, after: all.jobs.at(-1)?.id ?? '' })
    assert.deepEqual([next.jobs.map((job) => job.id), next.hasMore], [newestFirst.slice(4), false])
    const paged = await store.list({ limit: 4, offset: 4 })
    assert.deepEqual(
      paged.jobs.map((job) => job.id),
      newestFirst.slice(4, 8),
    )
    const bobs = await store.list({ owner: 'bob', statuses: ['scheduled', 'pending'], order: 'asc', limit: 10 })
    assert.deepEqual([bobs.jobs.map((job) => job.id), bobs.total], [[ids[0], ids[3], ids[6]], 3])
    const placed = await store.list({ provider: 'p7', owner: 'alice', limit: 10 })
    assert.deepEqual([placed.jobs.map((job) => job.id), placed.total], [[ids[2], ids[1]], 2])
    const some = await store.list({ where: (job) => job.id !== ids[8], limit: 2, offset: 1 })
    assert.deepEqual([some.jobs.map((job) => job.id), some.total, some.hasMore], [newestFirst.slice(2, 4), 8, true])
    const none = await store.list({ toMs: 1, limit: 5 })
    assert.deepEqual([none.jobs, none.total], [[], 0])
  })

  it('entry 39: keeps the bytes of a line that is no text, and gives its text beside them', async () => {
    const id = await submit()
    const line = { timestampMs: 1, stream: 'stdout', partial: false } as const
    const bytes = Buffer.from('a\xff\r', 'latin1')
    await store.change(id, (draft) => {
      draft.logs(1, [
        { ...line, ...lineOf('of the text nothing is believed', bytes) },
        { ...line, ...lineOf('b', Buffer.from('é')) },
      ])
    })
    const [first, second] = await store.logs(id, 1, 2)
    assert.deepEqual([first?.line, first?.base64], ['a\ufffd\r', bytes.toString('base64')])
    assert.deepEqual([second?.line, second?.base64], ['é', undefined])
  })

  it('stores each log line once, numbers them over attempts and reads from any line', async () => {
    const id = await submit()
    const lines = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i) => ({
        timestampMs: 1,
        stream: 'stdout' as const,
        line: `line ${from + i}`,
        partial: false,
      }))
    await store.change(id, (draft) => draft.logs(1, lines(1, 5)))
    await store.change(id, (draft) => draft.logs(4, lines(4, 8)))
    await store.change(id, (draft) => draft.logs(2, lines(2, 3)))
    await store.change(id, (draft) => {
      draft.newLogOffset()
      draft.logs(1, lines(1, 2))
    })
    const read = await store.logs(id, 5, 100)
    assert.deepEqual(
      read.map(({ number, line }) => `${number} ${line}`),
      ['5 line 5', '6 line 6', '7 line 7', '8 line 8', '9 line 1', '10 line 2'],
    )
    assert.equal((await store.get(id))?.logs.lines, 10)
  })

  it('answers the first job to a repeated idempotency key and refuses another body, over a restart', async () => {
    const idempotency = { key: 'k', digest: 'd' }
    const first = await store.create({ ...newJob(), idempotency })
    await store.close()
    store = await open()
    const again = await store.create({ ...newJob(), idempotency })
    assert.deepEqual([again.job.id, again.repeated], [first.job.id, true])
    const conflict = store.create({ ...newJob(), idempotency: { key: 'k', digest: 'other' } })
    await assert.rejects(conflict, { code: 'IDEMPOTENCY_CONFLICT' })
    const elsewhere = await store.create({ ...newJob(), owner: 'bob', idempotency })
    assert.equal(elsewhere.repeated, false)
  })

  it('keeps what was seen of providers, over a restart', async () => {
    await store.keepTrackRecord('one', { honoured: 2.5, broken: 0, atMs: 7 })
    await store.keepTrackRecord('other', { honoured: 0, broken: 1, atMs: 8 })
    await store.keepTrackRecord('other', null)
    await store.close()
    store = await open()
    assert.deepEqual([...(await store.trackRecords())], [['one', { honoured: 2.5, broken: 0, atMs: 7 }]])
  })

  it('entry 35: keeps since when providers are known, over a restart', async () => {
    await store.keepFirstSeen('one', 7)
    await store.keepFirstSeen('other', 8)
    await store.keepFirstSeen('other', null)
    await store.close()
    store = await open()
    assert.deepEqual([...(await store.firstSeen())], [['one', 7]])
  })

  it('keeps secrets sealed on disk and apart from the record', async () => {
    const id = await submit('alice', { secrets: { TOKEN: 'very-secret-value' } })
    assert.deepEqual((await store.secrets(id)).secrets, { TOKEN: 'very-secret-value' })
    assert.equal(JSON.stringify(await store.get(id)).includes('very-secret-value'), false)
  })

  it('serialises the changes of one job', async () => {
    const id = await submit()
    await Promise.all(
      Array.from({ length: 50 }, () => store.change(id, (draft) => draft.patch({ attempt: draft.job.attempt + 1 }))),
    )
    assert.equal((await store.get(id))?.attempt, 51)
  })

  it('names the process that holds the folder', async () => {
    await assert.rejects(openDatabase(folder), (error: Error) => {
      assert.equal((error as { code?: string }).code, 'DATA_FOLDER_IN_USE')
      assert.match(error.message, new RegExp(`process ${process.pid}`))
      return true
    })
  })
})
