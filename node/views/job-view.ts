import type { EndpointHealth } from '../../protocol/endpoints.ts'
import { type Failure, kindOfFailure } from '../../protocol/failures.ts'
import { isPeerId } from '../../protocol/ids.ts'
import { JOB_DEFAULTS } from '../../protocol/job-defaults.ts'
import { hostOfTarget, type OutputsSpec, outputPaths, type SentOutput } from '../../protocol/job-outputs.ts'
import { mostOf, type PublicJobSpec } from '../../protocol/job-spec.ts'
import { volumeIdOf } from '../../protocol/job-volumes.ts'
import { requirementsOf } from '../../protocol/job-wire.ts'
import { effectivePerHour, type Terms } from '../../protocol/money.ts'
import { quoteOf } from '../../protocol/quote.ts'
import { remedyOf } from '../../protocol/remedies.ts'
import { fits } from '../../protocol/units.ts'
import { couldTake } from '../directory/could-take.ts'
import type { Directory } from '../directory/index.ts'
import { notHere } from '../outputs/index.ts'
import type { JobEvent, JobRecord } from '../store/index.ts'
import { leaseOf } from '../store/records.ts'
import { costView, termsOrNull } from './cost.ts'
import { isoTime, isoTimeOrNull } from './time.ts'

/** Fields of a submission that the job shows by themselves; the others are its `config`. */
const OWN_FIELDS = new Set([
  'name',
  'image',
  'provider',
  'command',
  'args',
  'cpu',
  'memory',
  'storage',
  'gpu',
  'duration',
  'labels',
  'maxAttempts',
])

/** A job as the API shows it; the gateway's schema of it is held against this by its types. */
export function jobView(job: JobRecord, directory: Pick<Directory, 'list'>) {
  const { spec, state } = job
  const ended = 'endedAtMs' in state ? state : null
  const volumes = volumesLeft(job)
  return {
    id: job.id,
    name: spec.name ?? null,
    owner: job.owner,
    provider: spec.provider,
    assignedProvider: leaseOf(job)?.provider ?? null,
    status: state.status,
    image: spec.image,
    command: spec.command,
    args: spec.args,
    cpu: spec.cpu,
    memory: spec.memory,
    storage: spec.storage,
    gpu: spec.gpu,
    duration: job.durationSeconds,
    createdAt: isoTime(job.createdAtMs),
    scheduledAt: isoTimeOrNull('scheduledAtMs' in state ? state.scheduledAtMs : null),
    startedAt: isoTimeOrNull('startedAtMs' in state ? state.startedAtMs : null),
    endedAt: isoTimeOrNull(ended?.endedAtMs ?? null),
    cost: costView(job, () => cheapest(job, directory)),
    config: Object.fromEntries(Object.entries(spec).filter(([name]) => !OWN_FIELDS.has(name))),
    results: {
      exitCode: ended?.exitCode ?? null,
      outputUrl: outputUrl(job),
      leftOut: notHere(spec.outputs, job.output),
      ...(job.output?.sent !== undefined && { sent: sentView(job.spec.outputs, job.output.sent) }),
      ...(job.logProblem !== undefined && { logProblem: job.logProblem }),
      ...(volumes.length > 0 && { volumes }),
    },
    error: state.status === 'failed' ? failureView(state.failure, { ...spec, duration: job.durationSeconds }) : null,
    attempt: job.attempt,
    maxAttempts: spec.maxAttempts,
    endpoints: state.status === 'running' ? endpoints(job) : [],
    health: state.status === 'running' ? (leaseOf(job)?.health ?? null) : null,
    labels: spec.labels,
    origin: job.origin,
  }
}

/** Why a job failed, or would, as the API shows it. @param spec with the duration that it had in the end */
export function failureView({ code, message, remedy, details }: Failure, spec: PublicJobSpec) {
  const { fault } = kindOfFailure({ code, details })
  return { code, message, remedy, fault, details, change: remedyOf({ code, details }, spec) }
}

/** A volume that outlives the job, as the API shows it. */
export interface LeftVolume {
  id: string
  /** As the job calls it; its id where it was there before. */
  name: string
  mountPath: string
  /** Peer id of where it lies. */
  provider: string
}

/** The volumes that outlive the job; none before it was given to a provider. */
export function volumesLeft(job: JobRecord): LeftVolume[] {
  const provider = (leaseOf(job) ?? job.pastLeases.at(-1))?.provider
  if (provider === undefined) return []
  return job.spec.volumes.flatMap(({ name = '', mountPath, keep, volume }) => {
    if (volume !== undefined) return { id: volume, name: volume, mountPath, provider }
    return keep === undefined ? [] : { id: volumeIdOf(job.id, provider, name), name, mountPath, provider }
  })
}

/** Outputs that were to go elsewhere, as the API shows them: of where they went, the host alone. */
function sentView(outputs: OutputsSpec | undefined, sent: readonly SentOutput[]) {
  const all = outputPaths(outputs)
  return sent.map(({ name, bytes, sha256, objects = 0, problem, reason = '' }) => {
    const { path = '', to } = all.find((one) => one.name === name) ?? {}
    const host = to === undefined ? '' : hostOfTarget(to)
    const isSent = problem === ''
    const why = isSent ? { problem: null, reason: null } : { problem, reason: reason === '' ? null : reason }
    return { name, path, host, bytes, sha256: sha256 === '' ? null : sha256, objects, ...why }
  })
}

/** Where the output is fetched, below the API's own address; null where there is none here, nor on its way. */
function outputUrl({ id, output }: JobRecord): string | null {
  return output?.state === 'waiting' || output?.state === 'kept' ? `/api/plugin-core/jobs/${id}/output` : null
}

/** An exposed port of a running job as the API shows it. */
export interface EndpointView {
  port: number
  protocol: 'TCP' | 'UDP'
  /** Below the gateway's own address. */
  url: string
  health: EndpointHealth
  /** Where everybody reaches it at the provider's machine, as `HOST:PORT`; null where it is not published. */
  address: string | null
}

/** Where exposed ports are reached, below the API's own address: HTTP and WebSocket, or datagrams over a WebSocket. */
function endpoints(job: JobRecord): EndpointView[] {
  const base = `/api/plugin-core/jobs/${job.id}`
  const told = leaseOf(job)?.endpoints ?? []
  return job.spec.ports
    .filter(({ expose }) => expose)
    .map(({ port, protocol }) => {
      const url = protocol === 'TCP' ? `${base}/proxy/${port}/` : `${base}/tunnel/${port}?protocol=UDP`
      const state = told.find((one) => one.port === port && one.protocol === protocol)
      const { published = null } = state ?? {}
      const address = published && hostPort(published)
      return { port, protocol, url, health: state?.health ?? 'unknown', address }
    })
}

function hostPort({ address, port }: { address: string; port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** On which terms a job has its provider, or would have the cheapest that announces some. */
export function termsOfJob(job: JobRecord, directory: Pick<Directory, 'list'>): Terms {
  return termsOrNull(job) ?? cheapest(job, directory)
}

/** The best terms among providers that would take it once they have room; free where there is none. */
function cheapest(job: JobRecord, directory: Pick<Directory, 'list'>): Terms {
  const { spec, image = null } = job
  // Earlier versions stored names, which are none of a provider that is known.
  const wanted = requirementsOf({ ...spec, provider: JOB_DEFAULTS.provider }, image)
  const most = mostOf({ ...spec, duration: job.durationSeconds })
  const offers = directory
    .list()
    .filter(
      (view) =>
        (!isPeerId(spec.provider) || view.provider === spec.provider) &&
        fits(wanted.resources, view.total) &&
        couldTake(view, wanted, ({ measured }) => measured),
    )
    .map((view) => quoteOf(view, wanted))
    .filter((terms) => terms !== null)
  const [first, ...others] = offers
  if (first === undefined) return { pricePerHour: 0n, minimumCharge: 0n, pricePerGb: 0n, volumePerGbHour: 0n }
  const priceOf = (terms: Terms): bigint => effectivePerHour(terms, most)
  return others.reduce((best, terms) => (priceOf(terms) < priceOf(best) ? terms : best), first)
}

/** An event of a job as the API shows it. */
export function eventView(event: JobEvent) {
  return { ...event.data, seq: event.seq, type: event.type, timestamp: isoTime(event.timestampMs) }
}
