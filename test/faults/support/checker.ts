/**
 * What must hold after any fault, once nothing is under way any more and the processes are stopped: read from the stores of
 * both sides, from the API's last answers, and from what the engine says it did.
 */

import { fromBinary } from '@bufbuild/protobuf'
import { openDatabase } from '../../../node/store/database.ts'
import { ANY, NO_FACET, totalKey } from '../../../node/store/indexes/places.ts'
import { type JobEvent, type JobRecord, type LogRecord, leaseOf } from '../../../node/store/records.ts'
import { createTables as jobTables, within } from '../../../node/store/tables.ts'
import { SignedStatementSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { canTransition, isTerminal, type JobEventType, type JobStatus } from '../../../protocol/lifecycle.ts'
import { checkReceipt } from '../../../protocol/market-messages.ts'
import { costOf, meteredSeconds, usdNumber } from '../../../protocol/money.ts'
import type { SettledLease } from '../../../provider-agent/journal/records.ts'
import { createTables as journalTables, receiptKey } from '../../../provider-agent/journal/tables.ts'
import type { ApiJob } from './api.ts'
import type { Befallen } from './befallen.ts'
import { checkContainers, checkOwnersActs, checkTimes, startedUnheard } from './checks-of-a-job.ts'
import type { EngineEvent } from './engine-events.ts'
import { type Run, runsOf } from './runs.ts'

export interface Violation {
  rule: string
  /** Of which job, or where. */
  of: string
  text: string
}

/** What is known of a job from outside. */
export interface Expected {
  id: string
  /** Lines that its container counts before it ends well; null where it does not count. */
  lines: number | null
  /** As the API showed it at the end; absent for jobs of client commands, which have none. */
  api?: ApiJob
  /** Ids that live readers were given, each reader's from its beginning to `end`. */
  liveIds?: number[][]
  /** From its submission until somebody saw it ended, in ms, by a clock that nobody set; absent where nobody looked. */
  tookMs?: number
}

export interface CheckInit {
  expected: Expected[]
  /** Data folders of the peers that asked: the gateway's, client nodes'. */
  requesters: string[]
  /** Data folder of each provider, by its peer id. */
  providers: Map<string, string>
  engine: EngineEvent[]
  /** What was done to all of them. */
  befallen: Befallen[]
}

export interface Stored {
  job: JobRecord
  events: JobEvent[]
  logs: LogRecord[]
  /** Positions of its events in the feed. */
  feed: number[]
}

/** How far the metered time may be from the engine's own, in ms: agents hear of a start and an end a little later. */
const METER_TOLERANCE_MS = 3_000

/** Reads everything, and answers what does not hold. The processes must be stopped. */
export async function check(init: CheckInit): Promise<Violation[]> {
  const violations: Violation[] = []
  const stored = new Map<string, Stored>()
  for (const folder of init.requesters) {
    for (const entry of await readStore(folder, violations)) stored.set(entry.job.id, entry)
  }
  const journals = new Map<string, Map<string, SettledLease>>()
  for (const [id, folder] of init.providers) journals.set(id, await readJournal(folder, violations))

  const known = new Set(init.expected.map(({ id }) => id))
  for (const id of stored.keys())
    if (!known.has(id)) violations.push({ rule: 'one job per submission', of: id, text: 'nobody submitted it' })
  for (const expected of init.expected) {
    const entry = stored.get(expected.id)
    if (entry === undefined) {
      violations.push({ rule: 'no job is lost', of: expected.id, text: 'it is in no store' })
      continue
    }
    const engine = init.engine.filter(({ jobId }) => jobId === expected.id)
    const runs = runsOf(engine, init.befallen)
    const say = (rule: string, text: string): void => void violations.push({ rule, of: expected.id, text })
    checkEnd(entry, expected, say)
    checkEvents(entry, expected, say)
    checkLogs(entry, expected, runs, say)
    checkTimes(entry, expected, say)
    checkContainers(entry, runs, init.befallen, say)
    checkOwnersActs(entry, init.befallen, say)
    await checkCost(entry, expected, runs, init.befallen, say)
    checkBothSides(entry, journals, say)
  }
  return violations
}

export type Say = (rule: string, text: string) => void

function checkEnd({ job }: Stored, { api, lines }: Expected, say: Say): void {
  const { status } = job.state
  if (!isTerminal(status)) say('one terminal state', `it is ${status}`)
  if (api !== undefined && api.status !== status) say('one terminal state', `API ${api.status}, store ${status}`)
  if (lines !== null && status === 'failed' && job.attempt < job.spec.maxAttempts) {
    say(
      'attempts are used',
      `failed in attempt ${job.attempt} of ${job.spec.maxAttempts}: ${JSON.stringify(job.state)}`,
    )
  }
}

const MOVES: Partial<Record<JobEventType, JobStatus>> = {
  created: 'pending',
  scheduled: 'scheduled',
  started: 'running',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
}

/** To which status the event `i` moves its job; undefined where it does not. */
function movesTo(types: JobEventType[], i: number): JobStatus | undefined {
  const type = types[i]
  // The last attempt's loss is told before the failure that follows from it.
  if (type === 'lost') return types[i + 1] === 'failed' ? undefined : 'pending'
  // It goes on as it was when its provider fell silent.
  if (type === 'regained') {
    return types.lastIndexOf('started', i) > types.lastIndexOf('scheduled', i) ? 'running' : 'scheduled'
  }
  return type === undefined ? undefined : MOVES[type]
}

function checkEvents({ job, events, feed }: Stored, { api }: Expected, say: Say): void {
  const types = events.map(({ type }) => type)
  const story = types.join(' ')
  events.forEach(({ seq }, i) => {
    if (seq !== i + 1) say('contiguous events', `event ${i + 1} has seq ${seq}: ${story}`)
  })
  if (events.length !== job.lastEvent) say('contiguous events', `${events.length} events, lastEvent ${job.lastEvent}`)
  if (api !== undefined && api.events.map(({ type }) => type).join(' ') !== story)
    say('contiguous events', 'the API shows others')
  let status: JobStatus | null = null
  types.forEach((_, i) => {
    const to = movesTo(types, i)
    if (to === undefined) return
    if (status === null ? to !== 'pending' : !canTransition(status, to))
      say('legal transitions', `${status} > ${to}: ${story}`)
    status = to
  })
  if (status !== job.state.status) say('legal transitions', `the events end ${status}, the job is ${job.state.status}`)
  if (feed.length !== events.length) say('events in the feed', `${feed.length} there, ${events.length} events`)
}

/** What an agent notes in a log of which it can read no more. */
const NOTE = '[cortex] further output is not kept'

function checkLogs({ job, logs }: Stored, { lines, liveIds = [] }: Expected, runs: Run[], say: Say): void {
  logs.forEach(({ number }, i) => {
    if (number !== job.logs.first + i) say('contiguous lines', `line ${job.logs.first + i} has number ${number}`)
  })
  const last = job.logs.first + logs.length - 1
  if (last !== job.logs.lines) say('contiguous lines', `${last} stored, ${job.logs.lines} counted`)
  for (const ids of liveIds) {
    if (ids.join() !== Array.from({ length: job.logs.lines }, (_, i) => i + 1).join()) {
      say('contiguous lines', `a live reader got ${brief(ids)} of ${job.logs.lines}`)
    }
  }
  if (lines === null) return
  for (const [attempt, own] of Map.groupBy(logs, (line) => line.attempt)) {
    const texts = own.map(({ line }) => line).filter((line) => job.logProblem === undefined || !line.startsWith(NOTE))
    const isLast = attempt === job.attempt && job.state.status === 'completed'
    // An engine that ends lets a container write on that nobody reads, an owner removes what was not read yet; that is told.
    const run = isLast ? runs.find(({ fence }) => fence === leaseOf(job)?.fence) : undefined
    const isWhole = isLast && !(run?.isFromOutside === true && (job.logProblem ?? '') !== '')
    const wanted = Array.from({ length: isWhole ? lines : texts.length }, (_, i) => `line ${i + 1}`)
    if (texts.join() !== wanted.join())
      say(
        'lines 1…N',
        `attempt ${attempt} of ${job.attempt}: ${brief(texts)}, not 1…${wanted.length}; ${job.logProblem}`,
      )
  }
  if (job.state.status === 'completed' && !logs.some((line) => line.attempt === job.attempt)) say('lines 1…N', 'none')
}

async function checkCost(
  { job }: Stored,
  { api }: Expected,
  runs: Run[],
  befallen: Befallen[],
  say: Say,
): Promise<void> {
  const lease = leaseOf(job)
  const leases = lease === null ? job.pastLeases : [...job.pastLeases, lease]
  const cost = leases.reduce((sum, each) => sum + costOf(BigInt(each.pricePerHour), meteredSeconds(each.meteredMs)), 0n)
  if (api !== undefined && api.cost.final !== usdNumber(cost))
    say('cost', `API ${api.cost.final}, metered ${usdNumber(cost)}`)
  for (const each of leases) {
    const run = runs.find(({ fence }) => fence === each.fence)
    const [leastMs, mostMs] = run === undefined ? [0, 0] : [run.leastEndMs - run.startMs, run.mostEndMs - run.startMs]
    const text = `fence ${each.fence}: ${each.meteredMs} ms metered, ran ${leastMs} to ${mostMs}`
    if (each.meteredMs > mostMs + METER_TOLERANCE_MS) say('cost', text)
    const grantedSeconds = job.durationSeconds + job.spec.stopGraceSeconds
    if (each.meteredMs > grantedSeconds * 1000) say('cost', `${text}, ${grantedSeconds} s granted`)
    if (!each.settled) continue
    const { claimedMs } = each
    // It is paid for what its requester knows of, and has no receipt for more.
    const running = each === lease ? lease.running : undefined
    const isUnsigned = claimedMs !== undefined && each.receipt === null
    if (isUnsigned && run !== undefined && startedUnheard(run, befallen, running)) continue
    // What somebody else ended while its agent was away is billed as far as it was seen to run.
    if (run?.isFromOutside !== true && each.meteredMs < leastMs - METER_TOLERANCE_MS) say('cost', text)
    if (each.receipt === null) {
      say('cost', `settled without a receipt, ${claimedMs} ms claimed; ${text}; ${JSON.stringify(running)}`)
      continue
    }
    const signed = [each.receipt.provider, each.receipt.requester].map((text) =>
      fromBinary(SignedStatementSchema, Buffer.from(text, 'base64')),
    )
    for (const statement of signed) {
      const { receipt } = await checkReceipt(statement)
      const same = receipt.costNanoUsd === costOf(BigInt(each.pricePerHour), meteredSeconds(each.meteredMs))
      if (!same || receipt.fence !== each.fence)
        say('cost', `fence ${each.fence}: the receipt says ${receipt.costNanoUsd}`)
      if (Number(receipt.meteredSeconds) * 1000 > mostMs + METER_TOLERANCE_MS + 1000)
        say('nothing signed that did not run', `${receipt.meteredSeconds} s; ${text}`)
    }
  }
  if (job.state.status === 'completed' && lease?.settled !== true)
    say('cost', 'completed, and its lease is not settled')
}

/** A settled lease is settled at its provider too, with the same end and both signatures. */
function checkBothSides({ job }: Stored, journals: Map<string, Map<string, SettledLease>>, say: Say): void {
  const lease = leaseOf(job)
  for (const each of lease === null ? job.pastLeases : [...job.pastLeases, lease]) {
    const journal = journals.get(each.provider)
    if (!each.settled || journal === undefined) continue
    const end = [...journal.values()].find(({ jobId, fence }) => jobId === job.id && fence === each.fence)
    if (end === undefined) say('both sides agree', `fence ${each.fence} is not settled at its provider`)
    else if (each.receipt !== null && end.requesterReceipt === null)
      say('both sides agree', `fence ${each.fence}: the provider lacks the second signature`)
    else if (each.receipt !== null && end.end?.meteredSeconds !== meteredSeconds(each.meteredMs))
      say('both sides agree', `fence ${each.fence}: ${end.end?.meteredSeconds} s there`)
  }
}

/** Every job of a requester with what belongs to it. */
async function readStore(folder: string, violations: Violation[]): Promise<Stored[]> {
  const database = await openDatabase(folder)
  try {
    const tables = jobTables(database)
    const feed = await tables.feed.iterator().all()
    feed.forEach(([position], i) => {
      if (Number(position) !== i + 1)
        violations.push({ rule: 'events in the feed', of: folder, text: `${position} at ${i + 1}` })
    })
    const positions = Map.groupBy(feed, ([, { jobId }]) => jobId)
    const jobs = await tables.jobs.iterator().all()
    for (const [status, own] of Map.groupBy(jobs, ([, { state }]) => state.status)) {
      const counted = await tables.totals.get(totalKey(ANY, NO_FACET, status))
      if (counted !== own.length)
        violations.push({ rule: 'counters', of: folder, text: `${counted} ${status}, ${own.length} are` })
    }
    return await Promise.all(
      jobs.map(async ([id, job]) => ({
        job,
        events: await tables.events.values(within(id)).all(),
        logs: (await tables.logs.iterator(within(id)).all()).flatMap(([at, { attempt, lines }]) => {
          const first = Number(at.slice(id.length + 1))
          return lines.map((line, i): LogRecord => ({ ...line, attempt, number: first + i }))
        }),
        feed: (positions.get(id) ?? []).map(([position]) => Number(position)),
      })),
    )
  } finally {
    await database.close()
  }
}

/** What a provider keeps for ever; nothing else may be left in its journal. */
async function readJournal(folder: string, violations: Violation[]): Promise<Map<string, SettledLease>> {
  const database = await openDatabase(folder)
  try {
    const tables = journalTables(database)
    const left = [...(await tables.leases.keys().all()), ...(await tables.outbox.keys().all())]
    if (left.length > 0)
      violations.push({ rule: 'nothing left over', of: folder, text: `in the journal: ${left.slice(0, 3).join(' ')}` })
    const settled = await tables.receipts.values().all()
    return new Map(settled.map((each) => [receiptKey(each.requester, each.jobId, each.fence), each]))
  } finally {
    await database.close()
  }
}

function brief(values: (string | number)[]): string {
  return values.length <= 12
    ? `[${values.join(' ')}]`
    : `[${values.slice(0, 6).join(' ')} … ${values.slice(-6).join(' ')}]`
}
