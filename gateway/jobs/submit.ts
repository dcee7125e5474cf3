import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { matchProviders, ProviderUnknownError } from '../../node/directory/find-provider.ts'
import type { Directory } from '../../node/directory/index.ts'
import { outputProblem } from '../../node/inputs/left-outputs.ts'
import { findSentImage } from '../../node/inputs/sent-image.ts'
import type { Quote, Requester, SubmitJob } from '../../node/market/index.ts'
import type { JobRecord, JobStore } from '../../node/store/index.ts'
import { plainDigest, type Uploads } from '../../node/uploads/index.ts'
import { mostOfAttempt } from '../../node/views/cost.ts'
import { failureView } from '../../node/views/job-view.ts'
import { VolumeError, type Volumes } from '../../node/volumes/index.ts'
import type { Failure } from '../../protocol/failures.ts'
import { isPeerId } from '../../protocol/ids.ts'
import { ANY_PROVIDER } from '../../protocol/job-defaults.ts'
import { inputsAsked } from '../../protocol/job-inputs.ts'
import type { JobSpec } from '../../protocol/job-spec.ts'
import { type Most, mostCharge, usdNumber } from '../../protocol/money.ts'
import type { dryRunSchema } from '../contract/jobs.ts'
import { GatewayError } from '../http/errors.ts'

/** What a submission goes through, wherever it comes from: a request, a template, a schedule, a row. */
export interface SubmitComponents {
  requester: Requester
  store: Pick<JobStore, 'firstWith' | 'get'>
  directory: Directory
  uploads: Pick<Uploads, 'find' | 'open'>
  /** Other names for providers and networks. */
  providerAliases: Readonly<Record<string, string>>
  volumes: Pick<Volumes, 'place'>
}

/**
 * The spec with the provider that it means, which is where the volumes lie that it takes up.
 * @throws {GatewayError} as {@link namedProvider}; VALIDATION_ERROR where a volume is not there, or not the owner's
 */
export function resolveProvider(
  spec: JobSpec,
  owner: string,
  components: Pick<SubmitComponents, 'directory' | 'providerAliases' | 'volumes'>,
): JobSpec {
  return placed(namedProvider(spec, components), owner, components)
}

/** The same of a job that was submitted before: its provider, which may be gone by now, is known by its id. */
export function resolveAgain(spec: JobSpec, owner: string, components: Parameters<typeof resolveProvider>[2]): JobSpec {
  return isPeerId(spec.provider) ? placed(spec, owner, components) : resolveProvider(spec, owner, components)
}

function placed(spec: JobSpec, owner: string, { volumes }: Pick<SubmitComponents, 'volumes'>): JobSpec {
  try {
    return volumes.place(owner, spec)
  } catch (cause) {
    if (!(cause instanceof VolumeError)) throw cause
    const { message, index } = cause
    const fields = [{ path: `volumes[${index ?? 0}].volume`, message }]
    throw new GatewayError('VALIDATION_ERROR', message, { details: { fields, in: 'body' }, cause })
  }
}

/**
 * The spec with the provider that it means: by an alias, by its id, or by a name or the end of an id that is one's alone.
 * @throws {GatewayError} PROVIDER_UNAVAILABLE, naming what there is; VALIDATION_ERROR where several are called so
 */
function namedProvider(
  spec: JobSpec,
  { directory, providerAliases }: Pick<SubmitComponents, 'directory' | 'providerAliases'>,
): JobSpec {
  const { provider: written } = spec
  const wanted = (Object.hasOwn(providerAliases, written) ? providerAliases[written] : undefined) ?? written
  if (wanted === ANY_PROVIDER) return { ...spec, provider: wanted }
  const known = directory.list().map(({ provider: id, name, status }) => ({ id, name, status }))
  const [only, ...more] = matchProviders(known, wanted)
  if (only !== undefined && more.length === 0) return { ...spec, provider: only.id }
  if (only !== undefined) {
    const { message } = new ProviderUnknownError(
      written,
      [only, ...more].map(({ id }) => id),
    )
    throw new GatewayError('VALIDATION_ERROR', message, {
      details: { fields: [{ path: 'provider', message }], in: 'body', providers: [only, ...more].slice(0, 50) },
    })
  }
  const have = known.length === 0 ? 'no provider is known yet' : `${known.length} providers are known, see details`
  throw new GatewayError('PROVIDER_UNAVAILABLE', `There is no provider ${written}: use ${ANY_PROVIDER}; ${have}`, {
    details: { networks: [ANY_PROVIDER, ...Object.keys(providerAliases)], providers: known.slice(0, 50) },
  })
}

/** A valid job that somebody hands in. */
export interface Submission {
  owner: string
  spec: JobSpec
  /** Where it comes from, e.g. `{ template }` or `{ schedule }`; kept with the job. */
  origin: Record<string, string>
  idempotencyKey: string | undefined
}

/** Hands a valid job to the market. @throws {IdempotencyConflictError} */
export async function submitJob(
  components: SubmitComponents,
  { owner, spec, origin, idempotencyKey }: Submission,
): Promise<{ job: JobRecord; repeated: boolean }> {
  const idempotency = idempotencyKey === undefined ? null : { key: idempotencyKey, digest: canonicalDigest(spec) }
  // A repetition is answered whoever is online now: after a restart the provider asked for may not have been heard yet.
  const first = idempotency === null ? undefined : await components.store.firstWith(owner, idempotency)
  if (first !== undefined) return { job: first, repeated: true }
  await assertThere(components, owner, spec)
  const job: SubmitJob = { owner, spec: resolveProvider(spec, owner, components), origin }
  return await components.requester.submit(idempotency === null ? job : { ...job, idempotency })
}

/** That what a job brings is there. @throws {GatewayError} VALIDATION_ERROR */
async function assertThere(
  components: Pick<SubmitComponents, 'uploads'> & { store: Pick<JobStore, 'get'> },
  owner: string,
  spec: JobSpec,
): Promise<void> {
  const fields = await missingOf(components, owner, spec)
  const [first] = fields
  if (first === undefined) return
  throw new GatewayError('VALIDATION_ERROR', `${first.path} ${first.message}`, { details: { fields, in: 'body' } })
}

/** What a job brings that is not there, by the fields that name it; what is there counts as used. */
export async function missingOf(
  { uploads, store }: Pick<SubmitComponents, 'uploads'> & { store: Pick<JobStore, 'get'> },
  owner: string,
  spec: Pick<JobSpec, 'inputs' | 'stdin' | 'image' | 'imageFrom'>,
): Promise<{ path: string; message: string }[]> {
  const fields: { path: string; message: string }[] = []
  for (const { field, path, from } of inputsAsked(spec)) {
    if (from.job !== undefined) {
      const message = outputProblem(owner, await store.get(from.job))
      if (message !== null) fields.push({ path: `${field}.job`, message })
    }
    if (from.upload === undefined) continue
    const found = await uploads.find(owner, plainDigest(from.upload))
    if (found !== null && (path !== null || !found.folder)) continue
    const isMissing = 'is no upload of yours: upload it first, with POST /plugin-core/uploads'
    fields.push({ path: `${field}.upload`, message: found === null ? isMissing : 'is a folder: give a file' })
  }
  if (spec.imageFrom !== undefined) {
    const found = await findSentImage(uploads, { owner, name: spec.image, digest: spec.imageFrom.upload })
    if ('code' in found) fields.push({ path: 'imageFrom.upload', message: imageProblem(found) })
  }
  return fields
}

function imageProblem({ message, details }: Failure): string {
  if (details.reason !== 'upload-gone') return `is no image that can be run: ${message}`
  return `is no image of yours, or a part of it is not there (${details.upload}): push it first, with cortex image push`
}

/** The same for bodies that mean the same, in whatever order their fields came and whichever defaults they spelled out. */
function canonicalDigest(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

/** What would happen to the job, whose provider is resolved, without anything happening. */
export async function dryRun(
  { requester }: Pick<SubmitComponents, 'requester'>,
  spec: JobSpec,
  owner: string,
): Promise<z.input<typeof dryRunSchema>> {
  const { quotes, nearest, helps } = await requester.quote(spec, owner)
  return {
    valid: true,
    accepted: quotes.some((quote) => quote.pricePerHour !== null),
    quotes: quotes.map((quote) => quoteView(quote, mostOfAttempt({ spec, durationSeconds: spec.duration }))),
    nearest: nearest === null ? null : failureView(nearest, spec),
    helps,
  }
}

function quoteView({ pricePerHour, minimumCharge, pricePerGb, volumePerGbHour, waitMs, ...quote }: Quote, most: Most) {
  const isOffer = pricePerHour !== null && minimumCharge !== null && pricePerGb !== null && volumePerGbHour !== null
  const terms = isOffer ? { pricePerHour, minimumCharge, pricePerGb, volumePerGbHour } : null
  return {
    ...quote,
    accepts: terms !== null,
    waitSeconds: waitMs === null ? null : waitMs / 1_000,
    price: terms === null ? null : usdNumber(terms.pricePerHour),
    minimumCharge: terms === null ? null : usdNumber(terms.minimumCharge),
    pricePerGb: terms === null ? null : usdNumber(terms.pricePerGb),
    volumePerGbHour: terms === null ? null : usdNumber(terms.volumePerGbHour),
    cost: terms === null ? null : usdNumber(mostCharge(terms, most)),
  }
}
