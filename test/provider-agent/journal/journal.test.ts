import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { type Database, openDatabase } from '../../../node/store/database.ts'
import { encode } from '../../../protocol/codec.ts'
import { LeaseMessageSchema, type Report } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { type Journal, openJournal } from '../../../provider-agent/journal/journal.ts'
import { type LeaseProgress, type LeaseRecord, leaseId, newProgress } from '../../../provider-agent/journal/records.ts'

const RECORD: LeaseRecord = {
  jobId: 'job_000000000000',
  fence: 3,
  requester: 'requester',
  bidId: 'aa',
  requestId: 'bb',
  requirementsDigest: 'cc',
  pricePerHour: '12345678901234567890',
  resources: { cpuMillis: 1, memoryBytes: 2, storageBytes: 3, gpu: 0 },
  job: {
    image: 'busybox',
    command: [],
    args: ['ü'],
    env: { A: 'b' },
    imagePullPolicy: 'IfNotPresent',
    durationSeconds: 60,
    stopSignal: 'SIGTERM',
    stopGraceSeconds: 10,
    network: 'bridge',
  },
  hadSecrets: false,
  onDisconnect: 'continue',
  leaseTimeoutMs: 60_000,
  addresses: [],
  acceptedAtMs: 5,
}
const ID = leaseId(RECORD.jobId, RECORD.fence)
const moment = (wallMs: number) => ({ wallMs, sinceBoot: null })
const LIMITS = { maxLeaseBytes: 64 * 2 ** 20, maxJournalBytes: 2 ** 30 }

function logs(sequence: number, firstLine: number, texts: string[]): Uint8Array {
  const lines = texts.map((line) => ({ line, timestampMs: 1n }))
  const value = {
    sequence: BigInt(sequence),
    content: { case: 'logs' as const, value: { firstLine: BigInt(firstLine), lines } },
  }
  return encode(LeaseMessageSchema, { content: { case: 'report', value } })
}

function started(sequence: number): Uint8Array {
  const value = { sequence: BigInt(sequence), content: { case: 'started' as const, value: {} } }
  return encode(LeaseMessageSchema, { content: { case: 'report', value } })
}

/** Everything unsent, read the way a stream does. */
async function readAll(journal: Journal, id = ID): Promise<Report[]> {
  const reports: Report[] = []
  for (let after = 0; ; ) {
    const batch = await journal.read(id, after)
    if (batch.length === 0) return reports
    for (const { sequence, message } of batch) {
      const { content } = fromBinary(LeaseMessageSchema, message)
      assert.equal(content.case, 'report')
      reports.push(content.value as Report)
      after = sequence
    }
  }
}

describe('journal', () => {
  let folder: string
  let database: Database
  let journal: Journal

  async function open(limits = LIMITS): Promise<void> {
    database = await openDatabase(folder)
    journal = await openJournal({ database, clock: systemClock, logger: silentLogger }, limits)
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-journal-'))
    await open()
  })
  afterEach(async () => {
    await journal.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Writes `count` batches of one line of so many bytes, from a sequence number on; each batch is line number = sequence - 1. */
  async function fill(
    id: string,
    progress: LeaseProgress,
    count: number,
    bytes: number,
    from = 2,
  ): Promise<LeaseProgress> {
    let last = progress
    for (let i = 0; i < count; i += 1) {
      const sequence = from + i
      last = { ...last, lastSequence: sequence, logLines: sequence - 1 }
      const message = logs(sequence, sequence - 1, ['x'.repeat(bytes)])
      await journal.save(id, last, { sequence, message, kind: 'lines', lastLine: sequence - 1, lines: 1 })
    }
    return last
  }

  it('has everything again after it was closed and opened', async () => {
    const progress = newProgress(RECORD, moment(7))
    await journal.create(RECORD, progress)
    const later = {
      ...progress,
      lastSequence: 1,
      startedAtMs: 9,
      commands: [['c', { ok: true, code: '', message: '' }]] as LeaseProgress['commands'],
    }
    await journal.save(ID, later, { sequence: 1, message: started(1), kind: 'state' })
    await fill(ID, later, 3, 10)
    await journal.close()
    await open()
    const [lease, ...more] = await journal.leases()
    assert.equal(more.length, 0)
    assert.deepEqual(lease?.record, RECORD)
    assert.deepEqual(lease?.progress, { ...later, lastSequence: 4, logLines: 3 })
    assert.deepEqual(
      (await readAll(journal)).map(({ sequence }) => Number(sequence)),
      [1, 2, 3, 4],
    )
    assert.ok(journal.bytes(ID) > 0)
  })

  it('lets go of what was acknowledged, for good', async () => {
    await journal.create(RECORD, newProgress(RECORD, moment(7)))
    await fill(ID, newProgress(RECORD, moment(7)), 5, 10)
    await journal.acknowledge(ID, 4)
    await journal.acknowledge(ID, 3)
    await journal.close()
    await open()
    assert.deepEqual(
      (await readAll(journal)).map(({ sequence }) => Number(sequence)),
      [5, 6],
    )
  })

  it('keeps of a settled lease its receipt, its fence and its place in the counts', async () => {
    await journal.create(RECORD, newProgress(RECORD, moment(7)))
    await fill(ID, newProgress(RECORD, moment(7)), 2, 10)
    const end = {
      sequence: 4,
      outcome: 'exited' as const,
      exitCode: 0,
      endedAtMs: 1,
      meteredSeconds: 2,
      cost: '3',
      failureCode: '',
      receipt: 'aa',
    }
    const { jobId, requester, bidId } = RECORD
    const common = { jobId, requester, bidId, startedAtMs: 1, requesterReceipt: null, settledAtMs: 2 }
    await journal.settle({ ...common, fence: 3, end })
    await journal.settle({ ...common, fence: 12, end: { ...end, exitCode: 1 } })
    await journal.settle({ ...common, fence: 7, end: null })
    await journal.settle({ ...common, fence: 8, end: { ...end, outcome: 'cancelled', exitCode: 137 } })
    await journal.settle({ ...common, fence: 9, end: { ...end, outcome: 'cancelled', exitCode: null } })
    await journal.settle({ ...common, fence: 10, end: { ...end, outcome: 'failed', exitCode: null } })
    await journal.close()
    await open()
    assert.deepEqual(await journal.leases(), [])
    assert.equal(journal.bytes(ID), 0)
    assert.deepEqual(await readAll(journal), [])
    assert.deepEqual(await journal.pastOf(requester, jobId), { highestFence: 12, ownerSaid: null })
    assert.equal((await journal.pastOf(requester, 'job_000000000001')).highestFence, 0)
    assert.equal((await journal.pastOf('somebody', jobId)).highestFence, 0)
    assert.deepEqual((await journal.settled(requester, jobId, 3))?.end, end)
    assert.equal(await journal.settled('somebody', jobId, 3), undefined)
    assert.deepEqual(journal.counts(), { completed: 1, failed: 2 })
  })

  it('numbers incarnations upwards, whatever the clock says', async () => {
    assert.equal(await journal.nextIncarnation(100), 100)
    await journal.close()
    await open()
    assert.equal(await journal.nextIncarnation(50), 101)
  })

  it('stays within its bound for one lease: the oldest lines go, state stays, a marker says how many are missing', async () => {
    await journal.close()
    await open({ ...LIMITS, maxLeaseBytes: 20_000 })
    const progress = newProgress(RECORD, moment(7))
    await journal.create(RECORD, progress)
    await journal.save(ID, { ...progress, lastSequence: 1 }, { sequence: 1, message: started(1), kind: 'state' })
    await fill(ID, progress, 100, 1_000)
    const largest = 20_000 + 1_300
    assert.ok(journal.bytes(ID) <= largest, `${journal.bytes(ID)}`)
    await journal.close()
    await open()
    const reports = await readAll(journal)
    const [first, marker, ...rest] = reports
    assert.equal(first?.content.case, 'started')
    assert.ok(marker?.content.case === 'logs')
    assert.equal(marker.firstSequence, 2n)
    const missing = Number(marker.sequence) - 1
    assert.equal(Number(marker.content.value.firstLine), missing, 'numbered as the last line that is missing')
    assert.match(marker.content.value.lines[0]?.line ?? '', new RegExp(`\\b${missing} lines are missing`))
    assert.deepEqual(
      rest.map(({ sequence }) => Number(sequence)),
      Array.from({ length: 101 - Number(marker.sequence) }, (_, i) => Number(marker.sequence) + 1 + i),
      'what is left is complete, up to the newest',
    )
    assert.ok(rest.length > 10)
  })

  it('stays within its bound for all leases: the largest gives way', async () => {
    await journal.close()
    await open({ maxLeaseBytes: 1_000_000, maxJournalBytes: 30_000 })
    const small = { ...RECORD, jobId: 'job_000000000001' }
    const smallId = leaseId(small.jobId, small.fence)
    const progress = newProgress(RECORD, moment(7))
    await journal.create(RECORD, progress)
    await journal.create(small, progress)
    await fill(smallId, progress, 5, 1_000)
    await fill(ID, progress, 100, 1_000)
    assert.ok(journal.bytes(ID) + journal.bytes(smallId) <= 31_300)
    assert.equal((await readAll(journal, smallId)).length, 5, 'the small one lost nothing')
    assert.ok((await readAll(journal)).length < 30)
  })

  it('shows a reader that reads while lines are dropped every number or a marker in its place', async () => {
    await journal.close()
    await open({ ...LIMITS, maxLeaseBytes: 20_000 })
    const progress = newProgress(RECORD, moment(7))
    await journal.create(RECORD, progress)
    let after = 1
    let filled = progress
    for (let round = 0; round < 30; round += 1) {
      filled = await fill(ID, filled, 1 + (round % 7), 1_000, filled.lastSequence === 0 ? 2 : filled.lastSequence + 1)
      const [next] = await journal.read(ID, after)
      if (next === undefined) continue
      const { content } = fromBinary(LeaseMessageSchema, next.message)
      assert.ok(content.case === 'report')
      const { sequence, firstSequence } = content.value
      assert.ok(
        firstSequence === 0n ? Number(sequence) === after + 1 : Number(firstSequence) <= after + 1,
        `after ${after}`,
      )
      after = next.sequence
    }
    assert.ok(after > 60)
  })

  it('knows everybody whose award was ever taken, by one key of each', async () => {
    const { jobId, bidId } = RECORD
    const common = { jobId, bidId, end: null, startedAtMs: 1, requesterReceipt: null, settledAtMs: 2 }
    for (const requester of ['bob', 'al', 'alice']) {
      for (const fence of [1, 2]) await journal.settle({ ...common, requester, fence })
    }
    await journal.create({ ...RECORD, requester: 'carol', fence: 4 }, newProgress(RECORD, moment(7)))
    assert.deepEqual(await Array.fromAsync(journal.requesters()), ['al', 'alice', 'bob', 'carol'])
  })

  it('refuses a second process, and names the first', async () => {
    const code = `
      import { openDatabase } from ${JSON.stringify(join(import.meta.dirname, '../../../node/store/database.ts'))}
      await openDatabase(${JSON.stringify(folder)}).catch((error) => process.send(error.code + ' ' + error.message))
    `
    const child = fork('-', [], { execArgv: ['--input-type=module', '--eval', code] })
    const [message] = await once(child, 'message')
    assert.match(message, /^DATA_FOLDER_IN_USE /)
    assert.ok(message.includes(`process ${process.pid}`), message)
    await once(child, 'exit')
  })

  it('waits for a disk that cannot be written, and loses nothing', async () => {
    await journal.create(RECORD, newProgress(RECORD, moment(7)))
    const batch = database.batch.bind(database)
    let failures = 0
    database.batch = (async () => {
      failures += 1
      throw new Error('IO error: No space left on device')
    }) as never
    const written = journal.save(ID, newProgress(RECORD, moment(8)), {
      sequence: 1,
      message: started(1),
      kind: 'state',
    })
    while (journal.problem() === null) await new Promise((resolve) => setImmediate(resolve))
    assert.match(journal.problem() ?? '', /No space left/)
    assert.deepEqual(await journal.read(ID, 0), [], 'what is not written is not sent')
    database.batch = batch as never
    await written
    assert.equal(journal.problem(), null)
    assert.ok(failures >= 1)
    assert.equal((await readAll(journal)).length, 1)
    assert.equal((await journal.leases()).length, 1)
  })
})
