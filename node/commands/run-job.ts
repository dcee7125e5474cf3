import { failureSentences } from '../../protocol/failures.ts'
import type { JobSpec } from '../../protocol/job-spec.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { formatUsd, meteredSeconds } from '../../protocol/money.ts'
import type { Control } from '../control/listen.ts'
import { isResolved, matchProviders, ProviderUnknownError, resolveProviderName } from '../directory/find-provider.ts'
import type { Directory } from '../directory/index.ts'
import type { ImagePart } from '../images/read-archive.ts'
import type { ClientNode } from '../index.ts'
import { giveLocal } from '../inputs/give-local.ts'
import { createLogger, type Logger } from '../logger.ts'
import type { JobEvent, JobRecord } from '../store/index.ts'
import { leaseOf } from '../store/records.ts'
import { plainDigest } from '../uploads/index.ts'
import { attemptCost } from '../views/cost.ts'
import { eventView, jobView, volumesLeft } from '../views/job-view.ts'
import { VolumeError } from '../volumes/index.ts'
import { providersHeard } from './await-providers.ts'
import { bringOutputs } from './bring-outputs.ts'
import { CliError, INTERRUPTED, MARKET_FAILED } from './cli-error.ts'
import { startInSlot } from './client-slot.ts'
import { containerOutput } from './container-output.ts'
import { followJob } from './follow-job.ts'
import { givenLocalImage } from './give-image.ts'
import { givenSources } from './input-flags.ts'
import { submissionFrom } from './job-file.ts'
import type { JobFlags } from './job-flags.ts'
import type { OutputRoomOptions, PeerOptions, RegistryOptions } from './options.ts'
import { parseSubmission } from './parse-submission.ts'
import { printJson, say } from './print.ts'
import { type StatusLine, statusLine } from './status-line.ts'
import { isOutputGone, onStop } from './stopping.ts'
import { startTracing } from './tracing.ts'
import { exitCodeOf } from './whole.ts'

/** What `cortex run` was given. */
export type RunOptions = JobFlags &
  PeerOptions &
  RegistryOptions &
  OutputRoomOptions & { bids?: true; json?: true; outputFolder?: string; file?: string; detach?: true }

/** Runs one job to its end; answers what the process exits with. */
export async function runJob(image: string | undefined, words: string[], options: RunOptions): Promise<number> {
  return await run(parseSubmission(await submissionFrom(image, words, options)), options)
}

async function run(spec: JobSpec, options: RunOptions): Promise<number> {
  const status = statusLine()
  status.now('joining the network')
  const tracing = await startTracing('cortex-run')
  const { tracer } = tracing
  const logger = createLogger({ name: 'cortex', level: options.logLevel })
  let folder = ''
  const onSlot = (slot: string): void => {
    folder = slot
  }
  const node = await startInSlot(options, { logger, tracer }, { onSlot })
  const control = await bySsh(node, logger, folder)
  try {
    await node.uploads.forgetOld()
    // Listened for before there is a job, so that none is left that nobody waits for.
    const interruption = cancelOnInterrupt(node, status)
    try {
      const known = await resolved(spec, node.directory)
      const whole = await withInputs(node, await withImage(node, known, options, status), options, status)
      const job = await submitted(node, whole)
      status.done(`submitted ${job.id}`)
      interruption.concerns(job.id)
      return await follow(node, job.id, options, status, interruption.signal)
    } finally {
      interruption.release()
    }
  } finally {
    status.stop()
    await control?.stop()
    await node.stop()
    await tracing.stop()
  }
}

/** Where `cortex ssh` finds the job; null where that cannot be: the job runs all the same. */
async function bySsh(node: ClientNode, logger: Logger, folder: string): Promise<Control | null> {
  try {
    // Loaded here: most commands are over before anybody asks.
    const { serveJobsBySsh } = await import('./ssh-socket.ts')
    return await serveJobsBySsh({ node, logger }, folder)
  } catch (error) {
    logger.debug({ error: String(error) }, 'cortex ssh does not find this job')
    return null
  }
}

/** @throws {CliError} where it names a volume that this node does not have */
async function submitted({ requester }: ClientNode, spec: JobSpec): Promise<JobRecord> {
  try {
    return (await requester.submit({ owner: 'local', spec })).job
  } catch (error) {
    if (!(error instanceof VolumeError)) throw error
    throw new CliError(`--volume: ${error.message}: 'cortex volume list' shows those of this node`, MARKET_FAILED, {
      cause: error,
    })
  }
}

/** With the peer id of the provider that it names, before anybody is asked. @throws {CliError} */
async function resolved(spec: JobSpec, directory: Directory): Promise<JobSpec> {
  const { provider } = spec
  if (isResolved(provider)) return spec
  const known = () => directory.list().map(({ provider: id, name }) => ({ id, name }))
  await providersHeard(directory, () => matchProviders(known(), provider).length > 0)
  try {
    return { ...spec, provider: resolveProviderName(directory, provider) }
  } catch (error) {
    if (!(error instanceof ProviderUnknownError)) throw error
    const remedy = error.candidates.length === 0 ? " on this network: 'cortex provider list --all' shows who is" : ''
    throw new CliError(`--provider: ${error.message}${remedy}`, MARKET_FAILED, { cause: error })
  }
}

/** With its image, where that is this machine's. */
async function withImage(
  { uploads }: ClientNode,
  spec: JobSpec,
  flags: RunOptions,
  status: StatusLine,
): Promise<JobSpec> {
  const give = async ({ digest, path }: ImagePart, name: string): Promise<boolean> => {
    if ((await uploads.find('local', plainDigest(digest))) !== null) return false
    await giveLocal(uploads, 'local', path, { shown: name })
    return true
  }
  const { imageFrom } = await givenLocalImage(spec.image, flags, give, status)
  return imageFrom === undefined ? spec : { ...spec, imageFrom }
}

/** With what it brings from this machine. */
async function withInputs(node: ClientNode, spec: JobSpec, flags: RunOptions, status: StatusLine) {
  const give = async (path: string): Promise<string> => {
    status.now(`reading ${path}`)
    const onBytes = (bytes: number): void => status.progress(`reading ${path}`, bytes, null)
    const { upload, leftOut } = await giveLocal(node.uploads, 'local', path, { onBytes })
    for (const odd of leftOut) status.done(`${path}: ${odd}, and is left out`)
    return `sha256:${upload.sha256}`
  }
  return { ...spec, ...(await givenSources(flags, give)) }
}

async function follow(
  node: ClientNode,
  id: string,
  options: RunOptions,
  status: StatusLine,
  signal: AbortSignal,
): Promise<number> {
  let bidsShown = options.bids !== true
  const output = containerOutput()
  const job = await followJob(node.store, id, {
    onEvent: async (event) => {
      if (!bidsShown && event.type !== 'created') {
        bidsShown = true
        output.beginLine()
        const { bidTable } = await import('./bid-table.ts')
        say(...bidTable(await node.store.bids(id)))
      }
      output.beginLine()
      describe(event, status)
    },
    onLine: async (line) => {
      if (options.json !== true && !isOutputGone()) await output.write(line)
    },
  })
  output.beginLine()
  const hasRun = 'startedAtMs' in job.state && job.state.startedAtMs !== null
  for (const { id, name, provider } of hasRun ? volumesLeft(job) : []) {
    if (id !== name) status.done(`volume ${name} is kept as ${id} at ${provider}`)
  }
  const outputs = await bringOutputs(node, job, { folder: options.outputFolder ?? id, signal }, status)
  if (options.json === true) {
    const settled = (await node.store.get(id)) ?? job
    const view = { ...jobView(settled, node.directory), events: (await node.store.events(id)).map(eventView) }
    printJson(view)
  }
  return exitCodeOf(report(job, status), [job.logProblem, outputs], status.done)
}

function describe(event: JobEvent, status: StatusLine): void {
  const { type, data } = event
  if (type === 'created') status.now('waiting for bids')
  else if (type === 'scheduled') {
    const least = data.minimumCharge === undefined ? '' : `, at least $${data.minimumCharge}`
    const traffic = data.pricePerGb === undefined ? '' : `, $${data.pricePerGb} per GB of traffic`
    const kept = data.volumePerGbHour === undefined ? '' : `, $${data.volumePerGbHour} per GB-hour of volumes`
    status.done(`scheduled on ${data.provider} at $${data.pricePerHour}/h${least}${traffic}${kept}`)
    status.now('preparing the container')
  } else if (type === 'pulling') status.now(`pulling ${data.image} (${data.layersDone}/${data.layersTotal} layers)`)
  else if (type === 'transferring')
    status.progress('bringing its data', Number(data.bytesDone), Number(data.bytesTotal))
  else if (type === 'started') status.done('running')
  else if (type === 'lost') status.done(`lost: ${data.message}`)
  else if (type === 'expired') status.done('reached its duration; stopping')
  else if (type === 'regained') status.now('its provider is back')
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
      status.done(`failed: ${failureSentences(state.failure, spent)}`)
      return state.exitCode === null || state.exitCode === 0 ? MARKET_FAILED : state.exitCode
    case 'cancelled':
      status.done(`cancelled${spent}`)
      return INTERRUPTED
    default:
      throw new Error(`The job is not over: ${state.status}`)
  }
}

/** The first Ctrl-C, or an output that nobody reads, cancels the job, as soon as there is one. */
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
      if (job !== undefined && !isTerminal(job.state.status)) say(`cannot cancel: ${error.message}`)
    })
  }
  const release = onStop(() => {
    asked = true
    asking.abort()
    status.now('cancelling (Ctrl-C again leaves at once)')
    if (jobId !== null) cancel(jobId)
  })
  return {
    signal: asking.signal,
    concerns(id) {
      jobId = id
      if (asked) cancel(id)
    },
    release,
  }
}
