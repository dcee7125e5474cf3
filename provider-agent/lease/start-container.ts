import { retried } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { following, type Tracer, within } from '../../node/tracing/index.ts'
import { isGone } from '../engine/errors.ts'
import {
  type ContainerEngine,
  type ContainerSummary,
  EngineError,
  type ImageInfo,
  type PullRequest,
} from '../engine/index.ts'
import type { ImageKeeper } from '../images/keeper.ts'
import { sentName } from '../images/names.ts'
import type { InputRoom } from '../inputs/input-room.ts'
import { containerName, containerSpec } from './container.ts'
import { LeaseBrokenError } from './ending.ts'
import type { Lease } from './lease.ts'
import { meterStart } from './metering.ts'
import { createProgressReporter, createTransferReporter } from './pull-progress.ts'
import type { StandardInput } from './standard-input.ts'
import { isCounted } from './traffic.ts'

/** Tries of a start while the engine is away; beyond it the job is better off elsewhere. About 10 s. */
const START_TRIES = 6

/** What {@link startContainer} works with. */
export interface StartComponents {
  engine: ContainerEngine
  clock: Clock
  logger: Logger
  tracer: Tracer
  /** Peer id of this provider: marks its containers. */
  owner: string
  /** Gets images, and keeps them while they are needed. */
  images: Pick<ImageKeeper, 'pull' | 'release'>
  /** Gets what jobs bring. @default no such job is taken */
  inputs?: Pick<InputRoom, 'imageParts' | 'prepare' | 'put' | 'openStdin'>
}

/** Where the start of a lease begins. */
export interface StartInit {
  /** What the engine has of it after a restart; null for a new lease. */
  found: ContainerSummary | null
  /** True after a restart of the agent. */
  adopted: boolean
  /** Resolves when an older attempt of the same job on this machine is over. */
  after: Promise<void>
}

/**
 * What became of a start: it runs or has run, it is to stop before it began, or its engine went away in the midst of it and
 * came back when the container had ended: nobody saw it run.
 */
export type Begun = 'begun' | 'stopped' | 'unseen'

/**
 * Brings the container of a lease to run, or finds it again.
 *
 * @throws {LeaseBrokenError} where what a restart needs is gone @throws {EngineError}
 */
export async function startContainer(
  components: StartComponents,
  lease: Lease,
  init: StartInit & { stdin: StandardInput },
  signal: AbortSignal,
): Promise<Begun> {
  const { engine, clock } = components
  const { found } = init
  const there = found !== null && found.state !== 'network-only'
  const begun = lease.progress.startedAtMs !== null
  if (begun && !there) throw new LeaseBrokenError('container-lost')
  init.stdin.check(found?.state === 'running' || found?.state === 'exited')
  if (lease.stopSignal.aborted && !there) return 'stopped'
  const imageDigest = there ? lease.progress.imageDigest : await prepare(components, lease, init, signal)
  if (lease.stopSignal.aborted && found?.state !== 'running' && !begun) return 'stopped'
  // Not to be interrupted, for whether it runs must be known; and no second start where it has run already.
  const name = containerName(lease.record)
  const askedMs = clock.monotonicMs()
  lease.startAsked()
  const isOlder = found?.state === 'running' || found?.state === 'exited'
  let isAgain = false
  let isUnseen = false
  let networkFrom: number | null = null
  const { startedAtMs, begin } = await startable(components, signal, async () => {
    init.stdin.check(isAgain)
    if (isAgain) isUnseen = await hasEnded(components, name, signal)
    isAgain = true
    if (!isOlder && bringsSomething(lease)) await components.inputs?.put(lease.record, signal)
    if (!isOlder) await init.stdin.open(signal)
    if (!isOlder && isCounted(lease)) networkFrom ??= await (await engine.traffic(name, { signal }))()
    const { startedAtMs } = await traced(components, lease, 'cortex.start', () => engine.start(name, { signal }))
    return { startedAtMs, begin: await meterStart(components, lease, { isOlder, askedMs, startedAtMs }, signal) }
  })
  if (found?.state === 'exited' || isUnseen) lease.meter.unseen()
  if (begun) lease.meter.start(begin.meteredMs)
  else await lease.started(startedAtMs, imageDigest, networkFrom === null ? begin : { ...begin, networkFrom })
  return isUnseen ? 'unseen' : 'begun'
}

async function hasEnded({ engine, owner }: StartComponents, name: string, signal: AbortSignal): Promise<boolean> {
  const containers = await engine.list(owner, { signal })
  return containers.some((container) => container.name === name && container.state === 'exited')
}

/** Makes image and container; answers the image's digest. */
async function prepare(
  components: StartComponents,
  lease: Lease,
  { adopted, after }: StartInit,
  signal: AbortSignal,
): Promise<string> {
  const { engine, owner } = components
  if (adopted && lease.record.hadSecrets) throw new LeaseBrokenError('secrets-lost')
  await after
  const until = AbortSignal.any([signal, lease.stopSignal])
  until.throwIfAborted()
  return await startable(components, until, async () => {
    const pulled = await traced(components, lease, 'cortex.pull', () => pull(components, lease, until))
    const brought = bringsSomething(lease) ? await bring(components, lease, pulled.image, until) : []
    const spec = containerSpec(lease.record, lease.secrets, owner, pulled, brought)
    await traced(components, lease, 'cortex.create', () => engine.create(spec, { signal: until }))
    lease.forgetSecrets()
    return pulled.repoDigest ?? pulled.imageId
  })
}

async function pull(components: StartComponents, lease: Lease, until: AbortSignal): Promise<ImageInfo> {
  const { clock, logger, images } = components
  const { job, requester } = lease.record
  const credentials = lease.secrets?.registryCredentials
  const request = {
    ...{ image: job.image, policy: job.imagePullPolicy, requester },
    ...(credentials === undefined ? {} : { credentials }),
    ...(job.platforms === undefined ? {} : { platforms: job.platforms }),
    ...(job.isPlatformNamed === undefined ? {} : { isPlatformNamed: true }),
    ...(job.imageDigest === undefined ? {} : { digest: job.imageDigest }),
  }
  const onProgress = createProgressReporter(clock, lease, logger)
  return await images.pull(lease.id, { ...request, ...sentOf(components, lease, until), onProgress }, { signal: until })
}

function noInputs(): EngineError {
  return new EngineError('ENGINE_ERROR', 'no inputs are taken here', { reason: 'inputs' })
}

/** How the image comes, where the job brings it. */
function sentOf(components: StartComponents, lease: Lease, until: AbortSignal): Pick<PullRequest, 'sent'> {
  const { record } = lease
  const { sentImage: image } = record.job
  if (image === undefined) return {}
  const { clock, logger, inputs } = components
  if (inputs === undefined) throw noInputs()
  const onTransfer = createTransferReporter(clock, lease, logger)
  const parts = async () => await inputs.imageParts(record, image, onTransfer, until)
  return { sent: { name: sentName(record.requester, image.config.sha256), parts } }
}

/** Gets what the job brings; answers where it is. */
async function bring(components: StartComponents, lease: Lease, image: string, until: AbortSignal) {
  const { clock, logger, inputs } = components
  if (inputs === undefined) throw noInputs()
  const onTransfer = createTransferReporter(clock, lease, logger)
  const task = async () => await inputs.prepare(lease, image, onTransfer, until)
  return await traced(components, lease, 'cortex.transfer', task)
}

function bringsSomething({ record }: Lease): boolean {
  return (record.job.inputs ?? []).length > 0
}

async function traced<T>({ tracer }: StartComponents, { record }: Lease, what: string, task: () => Promise<T>) {
  const attributes = { 'cortex.job': record.jobId, 'cortex.image': record.job.image }
  return await within(following(tracer, what, record.traceparent ?? '', attributes), task)
}

async function startable<T>({ clock }: StartComponents, until: AbortSignal, task: () => Promise<T>): Promise<T> {
  return await retried(clock, until, (error, attempt) => isGone(error) && attempt < START_TRIES, task)
}
