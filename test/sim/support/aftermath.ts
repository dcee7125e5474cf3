/** What must hold once nothing goes wrong any more and there was time enough: everything has ended, and agrees. */

import type { JobRecord, JobStore, Lease, LogRecord } from '../../../node/store/index.ts'
import { leaseOf } from '../../../node/store/records.ts'
import { createTables } from '../../../node/store/tables.ts'
import { mostSecondsOf } from '../../../node/views/cost.ts'
import { isTerminal, JOB_STATUSES } from '../../../protocol/lifecycle.ts'
import { costOf, meteredSeconds } from '../../../protocol/money.ts'
import type { SettledLease } from '../../../provider-agent/journal/records.ts'
import { createTables as createJournalTables } from '../../../provider-agent/journal/tables.ts'
import type { Run } from './machine.ts'
import { calm, type World } from './world.ts'

/** Time passes in steps of so much until everything is over, in ms. */
const STEP_MS = 10_000
/** Time enough for anything: queueing, every attempt, waiting out, the longest pause between two dials. */
const PATIENCE_MS = 1_200_000
/** After this nothing holds a reservation any more, in ms. */
const RESERVATIONS_MS = 20_000

/** Ends all faults, waits, and looks. @throws {Error} with everything that does not hold */
export async function checkAftermath(world: World): Promise<void> {
  await calm(world)
  for (let leftMs = PATIENCE_MS; leftMs > 0 && !(await isOver(world)); leftMs -= STEP_MS) {
    await world.perform({ do: 'advance', ms: STEP_MS })
  }
  await world.perform({ do: 'advance', ms: RESERVATIONS_MS })
  const store = world.requester.process?.store
  if (store == null) throw new Error('The requester did not come back')
  const jobs = (await store.list({ limit: 1_000 })).jobs
  const problems = [
    ...world.violations,
    ...(await leftovers(world)),
    ...(await bookkeeping(world, store, jobs)),
    ...wishes(world, jobs),
  ]
  const settled = await receiptsOf(world)
  for (const job of jobs) {
    const found = [
      ...outcome(job),
      ...logs(job, world, await store.logs(job.id, 1, 10_000)),
      ...cost(job, world, settled),
    ]
    problems.push(...found.map((problem) => `${job.id}: ${problem}`))
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
}

async function isOver(world: World): Promise<boolean> {
  const { process } = world.requester
  if (process?.store == null) return false
  for await (const _ of process.store.active()) return false
  return world.providers.every(
    (provider) =>
      provider.process?.started === true &&
      provider.process.agent.status().leases.length === 0 &&
      provider.machine.containers().length === 0,
  )
}

async function leftovers(world: World): Promise<string[]> {
  const problems: string[] = []
  for (const { index, machine, process, disk } of world.providers) {
    const left = [...machine.containers(), ...machine.networks().map((name) => `network ${name}`)]
    if (left.length > 0) problems.push(`machine ${index} still has ${left.join(', ')}`)
    if (process?.started !== true) {
      problems.push(`provider ${index} is not up`)
      continue
    }
    const { leases, free, total } = process.agent.status()
    if (leases.length > 0) problems.push(`provider ${index} still has ${leases.length} leases`)
    if (free.cpuMillis !== total.cpuMillis) problems.push(`provider ${index}: ${JSON.stringify({ free, total })}`)
    const tables = createJournalTables(disk)
    for (const name of ['leases', 'progress', 'outbox'] as const) {
      const keys = await tables[name].keys().all()
      if (keys.length > 0) problems.push(`the journal of provider ${index} still has ${name} ${keys.join(', ')}`)
    }
  }
  return problems
}

/** Indexes, counters and the feed say the same as the records. */
async function bookkeeping({ requester }: World, store: JobStore, jobs: JobRecord[]): Promise<string[]> {
  const problems: string[] = []
  for (const status of JOB_STATUSES) {
    const { total, jobs: listed } = await store.list({ statuses: [status], limit: 1_000 })
    const real = jobs.filter(({ state }) => state.status === status).length
    if (total !== real || listed.length !== real) {
      problems.push(`${real} jobs are ${status}, counted ${total}, listed ${listed.length}`)
    }
  }
  const positions = (await createTables(requester.disk).feed.keys().all()).map(Number)
  const events = jobs.reduce((sum, { lastEvent }) => sum + lastEvent, 0)
  if (positions.some((position, i) => position !== i + 1)) problems.push(`the feed has gaps: ${positions.join(' ')}`)
  if (positions.length !== events) problems.push(`the feed has ${positions.length} of ${events} events`)
  return problems
}

function outcome({ state }: JobRecord): string[] {
  return isTerminal(state.status) ? [] : [`is still ${state.status}`]
}

/** Lines are numbered without a gap, and those of the last attempt are what its container printed. */
function logs(job: JobRecord, world: World, lines: LogRecord[]): string[] {
  const numbers = lines.map(({ number }) => number)
  if (numbers.some((number, i) => number !== i + 1)) return [`lines ${numbers.join(' ')}`]
  if (job.logs.lines !== lines.length) return [`${lines.length} lines, ${job.logs.lines} are said to be there`]
  const lease = leaseOf(job)
  const own = lines.slice(job.logs.offset).map(({ line }) => line)
  if (own.some((line, i) => line !== String(i + 1))) return [`the last attempt printed ${own.join(' ')}`]
  if (lease === null || !lease.settled) return []
  const printed = runOf(world, job.id, lease.fence)?.lines ?? 0
  return own.length === printed ? [] : [`${own.length} of ${printed} lines of the last attempt`]
}

/** How far a metered time may be from the real one, in ms: it is billed by the second begun. */
const METERING_TOLERANCE_MS = 1_000

/**
 * Every attempt, also one that came to nothing, is billed for what it ran within its duration, and both sides have signed
 * the same. What the requester could not know, because it heard of the start only after a break, is billed as far as it
 * knows, and the provider's claim, which is true, stands beside it. What a provider did not see of a container that its own
 * machine ended is its loss.
 */
function cost(job: JobRecord, world: World, receipts: ReceiptsOf): string[] {
  const lease = leaseOf(job)
  const leases = [...job.pastLeases, ...(lease === null ? [] : [lease])]
  return leases.flatMap((each) => {
    const run = runOf(world, job.id, each.fence)
    const ranMs = run === undefined ? 0 : (run.endedAtMs ?? world.time.elapsedMs) - run.startedAtMs
    const name = `the attempt with fence ${each.fence}`
    const granted = mostSecondsOf(job) * 1000
    const asked = (world.jobs.find(({ id }) => id === job.id)?.submission.duration ?? 0) * 1000
    const over = each.meteredMs - meteredSeconds(Math.min(ranMs, granted)) * 1000
    const under = meteredSeconds(Math.min(ranMs, asked)) * 1000 - (each.claimedMs ?? each.meteredMs)
    const machine = run === undefined ? undefined : world.providers[run.machine]?.machine
    if (run !== undefined && machine?.lostTrackSince(run.startedAtMs)) return []
    const isOwnLoss = run !== undefined && machine?.lostSightSince(run.startedAtMs) === true
    if (over > METERING_TOLERANCE_MS || (each.settled && !isOwnLoss && under > METERING_TOLERANCE_MS)) {
      return [`${name} is billed ${each.meteredMs} ms, it ran for ${ranMs}`]
    }
    if (!each.settled) return []
    if (each.claimedMs !== undefined && each.claimedMs > each.meteredMs) return []
    return signatures(each, receipts(each.provider, job.id, each.fence)).map((problem) => `${name} ${problem}`)
  })
}

function signatures(
  { receipt, pricePerHour, meteredMs }: Pick<Lease, 'receipt' | 'pricePerHour' | 'meteredMs'>,
  theirs: SettledLease | undefined,
): string[] {
  if (receipt === null) return ['has no receipt']
  if (theirs?.end == null) return ['has a receipt that its provider does not know']
  const { end, requesterReceipt } = theirs
  const problems: string[] = []
  if (end.receipt !== receipt.provider) problems.push('has one receipt at the provider and another at the requester')
  if (requesterReceipt !== receipt.requester) {
    problems.push(`has ${requesterReceipt === null ? 'no' : 'another'} signature of the requester at the provider`)
  }
  if (end.cost !== String(costOf(BigInt(pricePerHour), meteredSeconds(meteredMs)))) {
    problems.push(`costs ${end.cost} by its receipt, for ${meteredMs} ms at ${pricePerHour} an hour`)
  }
  return problems
}

/** What the user was told came true. */
function wishes(world: World, jobs: JobRecord[]): string[] {
  return world.jobs.flatMap(({ id, submission, extensions }) => {
    const job = jobs.find((known) => known.id === id)
    if (job === undefined) return [`${id} is gone`]
    const sum = (all: typeof extensions): number =>
      all.reduce((total, { seconds }) => total + seconds, submission.duration)
    const least = sum(extensions.filter(({ ok }) => ok === true))
    const most = sum(extensions.filter(({ ok }) => ok !== false))
    const { durationSeconds } = job
    if (durationSeconds >= least && durationSeconds <= most) return []
    return [`${id} has a duration of ${durationSeconds} s, granted were ${least} to ${most}`]
  })
}

type ReceiptsOf = (provider: string, jobId: string, fence: number) => SettledLease | undefined

async function receiptsOf(world: World): Promise<ReceiptsOf> {
  const known = new Map<string, SettledLease>()
  for (const { peerId, disk } of world.providers) {
    for (const settled of await createJournalTables(disk).receipts.values().all()) {
      known.set(`${peerId} ${settled.jobId} ${settled.fence}`, settled)
    }
  }
  return (provider, jobId, fence) => known.get(`${provider} ${jobId} ${fence}`)
}

function runOf({ witness }: World, jobId: string, fence: number): Run | undefined {
  return witness.runs.find((run) => run.jobId === jobId && run.fence === fence)
}
