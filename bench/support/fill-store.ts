/** A store of any size, written as the store itself would, but much faster. */

import type { Database } from '../../node/store/database.ts'
import type { JobRecord } from '../../node/store/index.ts'
import { createTables, key } from '../../node/store/tables.ts'
import { type Operation, put } from '../../node/store/writer.ts'
import { newJobId } from '../../protocol/ids.ts'
import { jobSubmissionSchema, splitSecrets } from '../../protocol/job-spec.ts'

/** Operations of one write. */
const BATCH = 5_000
/** Lines stored as one value. */
const CHUNK_LINES = 500

/** Ended jobs, a quarter of them of the team that is listed, with their events, written as the store writes them. Answers the id of one in the middle. */
export async function fillJobs(database: Database, count: number): Promise<string> {
  const tables = createTables(database)
  const [research, other] = [specOf('research'), specOf('web')]
  const firstMs = Date.UTC(2026, 0, 1)
  let middle = ''
  for (let from = 0; from < count; from += BATCH) {
    const operations: Operation[] = []
    for (let i = from; i < Math.min(from + BATCH, count); i += 1) {
      const job = endedJob(firstMs + i * 1_000, i % 4 === 0 ? research : other, i)
      if (i === Math.floor(count / 2)) middle = job.id
      operations.push(put(tables.jobs, job.id, job))
      for (const [k, type] of (['created', 'scheduled', 'started', 'completed'] as const).entries()) {
        const event = { seq: k + 1, type, timestampMs: job.createdAtMs + k, data: {} }
        operations.push(put(tables.events, key(job.id, event.seq), event))
      }
    }
    await database.batch(operations)
  }
  return middle
}

function endedJob(createdAtMs: number, spec: JobRecord['spec'], i: number): JobRecord {
  const provider = `provider-${i % 10}`
  const lease = {
    ...{ provider, addresses: [], fence: 1, requestId: '00', bidId: '00', requirementsDigest: '00' },
    ...{ pricePerHour: '10000000', bidValidMs: 5_000, awardedAt: { wallMs: createdAtMs, sinceBoot: null } },
    ...{ acceptedAtMs: createdAtMs, lastReport: 4, meteredMs: 1_000 * (i % 100), lastContactMs: createdAtMs },
    ...{ imageDigest: null, settled: true, receipt: null },
  }
  const times = { scheduledAtMs: createdAtMs + 1, startedAtMs: createdAtMs + 2, endedAtMs: createdAtMs + 3 }
  return {
    ...{ id: newJobId(createdAtMs), owner: 'admin', createdAtMs, spec, attempt: 1, fence: 1 },
    state: { status: 'completed', lease, ...times, exitCode: 0 },
    ...{ durationSeconds: spec.duration, cancelRequestedAtMs: null, extension: null, pastLeases: [] },
    logs: { lines: 0, bytes: 0, first: 1, offset: 0 },
    lastEvent: 4,
    origin: {},
  }
}

/**
 * An ended job with a log: every tenth line is of stderr, every seventh has colours, and every 1,000th says `milestone`.
 * Answers its id.
 */
export async function fillLog(database: Database, lines: number): Promise<string> {
  const tables = createTables(database)
  const firstMs = Date.UTC(2026, 5, 1)
  const job = endedJob(firstMs, specOf('logs'), 0)
  let bytes = 0
  for (let from = 1; from <= lines; from += CHUNK_LINES) {
    const chunk = Array.from({ length: Math.min(CHUNK_LINES, lines - from + 1) }, (_, i) => {
      const line = lineOf(from + i)
      bytes += line.length + 1
      const stream = (from + i) % 10 === 0 ? ('stderr' as const) : ('stdout' as const)
      return { timestampMs: firstMs + from + i, stream, line, partial: false }
    })
    await database.batch([put(tables.logs, key(job.id, from), { attempt: 1, lines: chunk })])
  }
  await database.batch([put(tables.jobs, job.id, { ...job, logs: { lines, bytes, first: 1, offset: 0 } })])
  return job.id
}

function lineOf(number: number): string {
  const word = number % 1_000 === 0 ? 'milestone' : 'step'
  const text = `${word} ${number} of the training run: loss=${(1 / number).toFixed(6)} rate=0.001 batch=64`
  return number % 7 === 0 ? `\x1b[32m${text}\x1b[0m` : text
}

function specOf(team: string): JobRecord['spec'] {
  const job = jobSubmissionSchema.parse({ image: 'busybox:1.36', command: ['true'], labels: { team } })
  return splitSecrets(job).spec
}
