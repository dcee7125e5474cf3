import type { z } from 'zod'
import { isJobId } from '../../../protocol/ids.ts'
import type { Found, LookedAt, Mend } from '../../upkeep/problem.ts'
import type { Database } from '../database.ts'
import type { DumpRecord } from '../dump.ts'
import type { JobRecord } from '../records.ts'
import type { SecretBox } from '../secret-box.ts'
import { createEventCheck } from './events.ts'
import { formed, JOB_FORMS, OWN_FORMS } from './forms.ts'
import { openRawTable, ownKey, type RawTable, rawRecords } from './raw-table.ts'
import { createSecretsCheck } from './secrets.ts'

/** What {@link checkRecords} works with. */
export interface RecordsCheckComponents {
  database: Database
  secretBox: SecretBox
  found: (what: string) => Found
  looked: (lookedAt: LookedAt) => void
  /** Told of each job whose record is one. */
  onJob?: (job: JobRecord) => Promise<void>
}

/** What is done with a record that nobody can read, or that belongs to nothing. */
function setAside(record: DumpRecord): Mend {
  return { how: 'set aside', aside: [record] }
}

const UNREADABLE = 'cannot be read'
/** Tables whose keys begin with a job's id, as they are called here and there. */
const OF_JOBS = { events: 'events', bids: 'bids', logs: 'output', metrics: 'samples', secrets: 'secrets' } as const
type OfJobs = keyof typeof OF_JOBS

/**
 * Reads every record of the store, each once and in order, with all that belongs to one job beside it: what is in memory is
 * one of them at a time.
 */
export async function checkRecords(components: RecordsCheckComponents): Promise<void> {
  await checkJobs(components)
  await checkOthers(components)
}

async function checkJobs({ database, secretBox, found, looked, onJob }: RecordsCheckComponents): Promise<void> {
  const jobs = openRawTable(database, 'jobs')
  const children = (Object.keys(OF_JOBS) as OfJobs[]).map((name) => ({ name, table: openRawTable(database, name) }))
  const events = createEventCheck(database, found('events'))
  const secrets = createSecretsCheck(secretBox, found('secrets'))
  const counts: Record<string, number> = { jobs: 0, events: 0, bids: 0, output: 0, samples: 0, secrets: 0 }

  async function jobOf(id: string): Promise<JobRecord | null> {
    const record = await jobs.peek()
    if (record === undefined || ownKey(record) !== id) return null
    await jobs.next()
    counts.jobs = (counts.jobs ?? 0) + 1
    const job = formed(JOB_FORMS.job, record) as JobRecord | null
    if (job !== null && job.id === id && isJobId(id)) return job
    await found('jobs')({ kind: UNREADABLE, which: id, remedy: null, mend: setAside(record) })
    return null
  }

  try {
    for (;;) {
      const id = await leastId([jobs, ...children.map(({ table }) => table)])
      if (id === null) break
      const job = await jobOf(id)
      events.begin(job)
      const output = { lines: 0, isThere: false }
      for (const { name, table } of children) {
        const what = OF_JOBS[name]
        for (
          let record = await table.peek();
          record !== undefined && idIn(record) === id;
          record = await table.peek()
        ) {
          await table.next()
          counts[what] = (counts[what] ?? 0) + 1
          if (job === null) await found(what)({ kind: 'of no job', which: id, remedy: null, mend: setAside(record) })
          else if (name === 'events') await events.event(record)
          else if (name === 'secrets') await secrets.look(job, record)
          else if (name === 'logs') await lookAtLines(record, output, found(what))
          else await lookAtForm(name === 'bids' ? JOB_FORMS.bid : JOB_FORMS.sample, record, found(what))
        }
      }
      if (job === null) continue
      await events.end()
      await lookAtEnd(job, output, found('output'))
      await onJob?.(job)
    }
  } finally {
    for (const { table } of [{ table: jobs }, ...children]) await table.close()
  }
  await secrets.end()
  for (const [what, count] of Object.entries(counts)) looked({ what, count })
}

async function lookAtForm(form: z.ZodType, record: DumpRecord, found: Found): Promise<void> {
  if (formed(form, record) !== null) return
  await found({ kind: UNREADABLE, which: ownKey(record), remedy: null, mend: setAside(record) })
}

async function lookAtLines(
  record: DumpRecord,
  output: { lines: number; isThere: boolean },
  found: Found,
): Promise<void> {
  const chunk = formed(JOB_FORMS.logs, record)
  const first = Number(ownKey(record).split('!')[1])
  if (chunk === null || !Number.isSafeInteger(first)) {
    await found({ kind: UNREADABLE, which: ownKey(record), remedy: null, mend: setAside(record) })
    return
  }
  output.isThere = true
  output.lines = Math.max(output.lines, first + chunk.lines.length - 1)
}

/** Whether the lines end where their job says that they do. */
async function lookAtEnd(job: JobRecord, output: { lines: number; isThere: boolean }, found: Found): Promise<void> {
  const { lines, first } = job.logs
  if (output.lines > lines) {
    const changed: JobRecord = { ...job, logs: { ...job.logs, lines: output.lines } }
    await found({
      ...{ kind: 'goes on behind what its job says', which: job.id, remedy: null },
      mend: { how: 'the job says what is there', writes: [{ key: `!jobs!${job.id}`, value: JSON.stringify(changed) }] },
    })
  } else if (output.lines < lines && first <= lines && job.logProblem === undefined) {
    const logProblem = 'The last lines were lost when the store of this gateway was damaged'
    await found({
      ...{ kind: 'has no end', which: job.id, remedy: null },
      mend: {
        how: 'the job says so',
        writes: [{ key: `!jobs!${job.id}`, value: JSON.stringify({ ...job, logProblem }) }],
      },
    })
  }
}

async function leastId(tables: RawTable[]): Promise<string | null> {
  let least: string | null = null
  for (const table of tables) {
    const record = await table.peek()
    if (record === undefined) continue
    const id = idIn(record)
    if (least === null || id < least) least = id
  }
  return least
}

function idIn(record: DumpRecord): string {
  return ownKey(record).split('!', 1)[0] ?? ''
}

/** Those that belong to no job, or only name one. */
async function checkOthers({ database, found, looked }: RecordsCheckComponents): Promise<void> {
  for (const [name, form] of Object.entries(OWN_FORMS)) {
    const what = NAMES[name] ?? name
    let count = 0
    for await (const record of rawRecords(database, name)) {
      count += 1
      const value = formed(form, record)
      if (value === null) {
        await found(what)({ kind: UNREADABLE, which: ownKey(record), remedy: null, mend: setAside(record) })
      } else if (name === 'idempotency' && !(await isThere(database, (value as { jobId: string }).jobId))) {
        await found(what)({
          ...{ kind: 'of no job', which: ownKey(record), state: 'warn', remedy: null },
          mend: { how: 'removed', writes: [{ key: record[0] }] },
        })
      }
    }
    looked({ what, count })
  }
}

/** What people call the tables that are not called so. */
const NAMES: Readonly<Record<string, string>> = {
  idempotency: 'idempotency keys',
  bills: 'bills of jobs that went',
  feed: 'feed of events',
  'track-records': 'records of providers',
  speeds: 'speeds of providers',
  starts: 'starts at providers',
  'volume-receipts': 'receipts of volumes',
  'first-seen': 'first sights of providers',
}

async function isThere(database: Database, jobId: string): Promise<boolean> {
  return (await database.get(`!jobs!${jobId}`)) !== undefined
}
