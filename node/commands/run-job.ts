import { fieldErrors, type JobSpec, jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { formatUsd, meteredSeconds } from '../../protocol/money.ts'
import type { ClientNode } from '../index.ts'
import { createLogger } from '../logger.ts'
import type { JobEvent, JobRecord } from '../store/index.ts'
import { leaseOf } from '../store/records.ts'
import { attemptCost } from '../views/cost.ts'
import { eventView, jobView } from '../views/job-view.ts'
import { bidTable } from './bid-table.ts'
import { bringOutputs } from './bring-outputs.ts'
import { CliError, INTERRUPTED, MARKET_FAILED } from './cli-error.ts'
import { startInSlot } from './client-slot.ts'
import { followJob } from './follow-job.ts'
import { type JobFlags, submissionOf } from './job-flags.ts'
import type { PeerOptions } from './options.ts'
import { type StatusLine, statusLine } from './output.ts'
import { startTracing } from './tracing.ts'

/** What `cortex run` was given. */
export type RunOptions = JobFlags & PeerOptions & { bids?: true; json?: true; outputFolder?: string }

/** Runs one job to its end; answers what the process exits with. */
export async function runJob(image: string, words: string[], options: RunOptions): Promise<number> {
  return await run(parse(submissionOf(image, words, options)), options)
}

function parse(submission: unknown): JobSpec {
  const parsed = jobSubmissionSchema.safeParse(submission)
  if (parsed.success) return parsed.data
  const [first] = fieldErrors(parsed.error)
  throw new CliError(`${first?.path ?? 'job'} ${first?.message ?? 'is not valid'}`, MARKET_FAILED)
}

async function run(spec: JobSpec, options: RunOptions): Promise<number> {
  const status = statusLine()
  status.now('joining the network')
  const tracing = await startTracing('cortex-run')
  const { tracer } = tracing
  const logger = createLogger({ name: 'cortex', level: options.logLevel })
  const node = await startInSlot(options, { logger, tracer })
  try {
    // Listened for before there is a job, so that none is left that nobody waits for.
    const interruption = cancelOnInterrupt(node, status)
    try {
      const { job } = await node.requester.submit({ owner: 'local', spec })
      status.done(`submitted ${job.id}`)
      interruption.concerns(job.id)
      return await follow(node, job.id, options, status, interruption.signal)
    } finally {
      interruption.release()
    }
  } finally {
    status.stop()
    await node.stop()
    await tracing.stop()
  }
}

async function follow(
  node: ClientNode,
  id: string,
  options: RunOptions,
  status: StatusLine,
  signal: AbortSignal,
): Promise<number> {
  let bidsShown = options.bids !== true
  const job = await followJob(node.store, id, {
    onEvent: async (event) => {
      if (!bidsShown && event.type !== 'created') {
        bidsShown = true
        process.stderr.write(`${bidTable(await node.store.bids(id))}\n`)
      }
      describe(event, status)
    },
    onLine: ({ stream, line, partial }) => {
      if (options.json === true) return
      process[stream].write(partial ? line : `${line}\n`)
    },
  })
  const problem = await bringOutputs(node, job, { folder: options.outputFolder ?? id, signal }, status)
  if (options.json === true) {
    const settled = (await node.store.get(id)) ?? job
    const view = { ...jobView(settled, node.directory), events: (await node.store.events(id)).map(eventView) }
    process.stdout.write(`${JSON.stringify(view, null, 2)}\n`)
  }
  const code = report(job, status)
  if (problem === null) return code
  status.done(problem)
  return code === 0 ? MARKET_FAILED : code
}

function describe(event: JobEvent, status: StatusLine): void {
  const { type, data } = event
  if (type === 'created') status.now('waiting for bids')
  else if (type === 'scheduled') {
    const least = data.minimumCharge === undefined ? '' : `, at least $${data.minimumCharge}`
    status.done(`scheduled on ${data.provider} at $${data.pricePerHour}/h${least}`)
    status.now('preparing the container')
  } else if (type === 'pulling') status.now(`pulling ${data.image} (${data.layersDone}/${data.layersTotal} layers)`)
  else if (type === 'started') status.done('running')
  else if (type === 'lost') status.done(`lost: ${data.message}`)
  else if (type === 'expired') status.done('reached its duration; stopping')
  else if (type === 'extended') status.done(`extended to ${data.duration} s`)
}

/** Tells how the job ended, and what this process exits with. */
function report(job: JobRecord, status: StatusLine): number {
  const { state } = job
  const lease = leaseOf(job)
  const spent =
    lease === null ? '' : `, ${meteredSeconds(lease.meteredMs)} s for $${formatUsd(attemptCost(lease, true))}`
  switch (state.status) {
    case 'completed':
      status.done(`completed${spent}`)
      return 0
    case 'failed':
      status.done(`failed: ${state.failure.message}${spent}. ${state.failure.remedy}`)
      return state.exitCode === null || state.exitCode === 0 ? MARKET_FAILED : state.exitCode
    case 'cancelled':
      status.done(`cancelled${spent}`)
      return INTERRUPTED
    default:
      throw new Error(`The job is not over: ${state.status}`)
  }
}

/** The first Ctrl-C cancels the job, as soon as there is one; the second one leaves at once. */
function cancelOnInterrupt(
  node: ClientNode,
  status: StatusLine,
): { signal: AbortSignal; concerns(id: string): void; release(): void } {
  const asking = new AbortController()
  let asked = false
  let jobId: string | null = null
  const cancel = (id: string): void => {
    node.requester.cancel(id).catch(async (error) => {
      const job = await node.store.get(id)
      if (job !== undefined && !isTerminal(job.state.status)) process.stderr.write(`cannot cancel: ${error.message}\n`)
    })
  }
  const onSignal = (): void => {
    if (asked) process.exit(INTERRUPTED)
    asked = true
    asking.abort()
    status.now('cancelling (Ctrl-C again leaves at once)')
    if (jobId !== null) cancel(jobId)
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    signal: asking.signal,
    concerns(id) {
      jobId = id
      if (asked) cancel(id)
    },
    release() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
