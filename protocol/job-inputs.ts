/** What a job brings: as it is asked for, and as its requester has made it out before a provider gets it. */

import { createHash } from 'node:crypto'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { z } from 'zod'
import { safeNumber } from './codec.ts'
import type { Input, InputSchema, Job } from './gen/cortex/v1/market_pb.js'
import { type GitSource, gitFromWire, gitInputField, gitToWire } from './git-input.ts'
import { JOB_ID } from './ids.ts'
import { keptPathField, ownPathField } from './job-fields.ts'
import { MARK_BYTES, MAX_INLINE_BYTES, MAX_INPUT_URL_LENGTH, MAX_INPUTS } from './limits.ts'
import { namedSecrets, type SecretName } from './named-secret.ts'
import { keyNamesOf } from './s3.ts'
import { type S3Source, s3FromWire, s3InputField, s3ToWire } from './s3-object.ts'
import { WireError } from './wire-error.ts'

const inlineField = z
  .string()
  .max(MAX_INLINE_BYTES, { abort: true })
  .refine(
    (text) => text.isWellFormed() && Buffer.byteLength(text) <= MAX_INLINE_BYTES,
    `must be Unicode text of at most ${MAX_INLINE_BYTES} bytes of UTF-8`,
  )

const HEX_DIGEST = /^[0-9a-f]{64}$/

/** What is wrong with a URL that a provider is to ask; null where nothing is. @param isChecked whether its digest is given */
export function urlProblem(text: string, isChecked: boolean): string | null {
  if (!/^https?:\/\/[\x21-\x7e]+$/i.test(text) || !URL.canParse(text)) {
    return 'must be a URL that begins with https://, with all but ASCII in it as %XX'
  }
  const { protocol, username, password } = new URL(text)
  if (username !== '' || password !== '') return 'must have no user and no password: use a presigned URL'
  if (text.includes('#')) return 'must have no #: give the digest as sha256'
  if (protocol === 'http:' && !isChecked) {
    return 'must begin with https://, or have sha256 beside it: without TLS anybody on the way could change what comes'
  }
  return null
}

/** The digest of something that was given beforehand. */
export const uploadField = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'must be the digest of an upload: "sha256:" and 64 digits of it in lower case')

/** Where an input comes from: one of these. */
const sources = {
  inline: inlineField.optional().describe('The text itself, at most 64 KiB; it is kept with the job.'),
  upload: uploadField.optional().describe('The digest of a file or folder that was uploaded before.'),
  job: z
    .string()
    .regex(JOB_ID, 'must be the id of a job, such as "job_01k8m3q7w9x2v5n4c6b8d0f1g3"')
    .optional()
    .describe('A job of the same owner that has ended: what is kept of its `outputs`.'),
  url: z
    .string()
    .max(MAX_INPUT_URL_LENGTH)
    .optional()
    .describe(
      'A file that the provider fetches before the job begins: `https://…`, public, without user and password. It counts as the job’s storage.',
    ),
  s3: s3InputField
    .optional()
    .describe('A file or folder of a bucket, fetched likewise, by keys that are among the job’s `secrets`.'),
  git: gitInputField
    .optional()
    .describe('A folder with the files of one commit of a repository, fetched likewise; without `.git`.'),
}

/** What says more of a source, each beside that one alone. */
const particulars = {
  path: keptPathField
    .optional()
    .describe(
      'Beside `job`: a file or folder of what it left, as its entry in the tar is called, such as `results/model.bin`; links are followed. Where it is left out: all of it.',
    ),
  sha256: z
    .string()
    .regex(HEX_DIGEST, 'must be 64 hexadecimal digits in lower case')
    .optional()
    .describe('Beside `url`: of the file. What comes is checked by it, and kept at the provider for the next job.'),
}
const PARTICULAR_OF = { path: 'job', sha256: 'url' } as const satisfies Record<
  keyof typeof particulars,
  keyof typeof sources
>

const SOURCE_NAMES = Object.keys(sources) as (keyof typeof sources)[]

const sourceField = z
  .strictObject({ ...sources, ...particulars })
  .refine(
    (from) => SOURCE_NAMES.filter((name) => from[name] !== undefined).length === 1,
    `must say one of ${SOURCE_NAMES.join(', ')}`,
  )
  .superRefine((from, context) => {
    for (const [name, source] of Object.entries(PARTICULAR_OF)) {
      if (from[name as keyof typeof particulars] === undefined || from[source] !== undefined) continue
      context.addIssue({ code: 'custom', path: [name], message: `must be beside ${source}: leave it out here` })
    }
    const problem = from.url === undefined ? null : urlProblem(from.url, from.sha256 !== undefined)
    if (problem !== null) context.addIssue({ code: 'custom', path: ['url'], message: problem })
  })
  .meta({ examples: [{ inline: 'retries: 3\n' }] })

const inputField = z.strictObject({
  path: ownPathField.describe('Where it stands in the container: a file there, or a folder.'),
  from: sourceField.describe('Where it comes from.'),
  mode: z
    .enum(['ro', 'rw'])
    .optional()
    .describe('`rw` is a copy of the job’s own, which counts as its storage. Where it is left out: `ro`.'),
})

/** At most {@link MAX_INPUTS}, each at a path of its own. */
export const inputsField = z.array(inputField).max(MAX_INPUTS)

/** What the program reads from its standard input. */
export const stdinField = sourceField
  .refine(({ s3 }) => s3?.prefix === undefined, {
    error: 'must be a file, and prefix is a folder: give the key of one',
    path: ['s3', 'prefix'],
  })
  .refine(({ git }) => git === undefined, { error: 'must be a file, and this is a folder', path: ['git'] })

/** One of a job's `inputs`, as it was asked for. */
export type InputSpec = z.output<typeof inputField>

/** Bytes that the requester has under their digest. */
export interface BlobSource {
  /** Of all of them, hex. */
  sha256: string
  bytes: number
  /** Whether they are a tar whose entries stand at the path; else they are a file. */
  folder: boolean
  /** Hex, as its provider gets it: under which later requests name it, see `wanted-blobs.ts`. Absent is none. */
  mark?: string
}

/** A file that the provider fetches from elsewhere. */
export interface UrlSource {
  /** `https:`, or `http:` beside a digest. Whoever has it may have what it names: it is in no log. */
  url: string
  /** Of the file, hex; absent is any. */
  sha256?: string
}

/** What a job asks to be brought, and under which of its fields. */
export interface AskedInput {
  /** As a problem with it is told, e.g. `inputs[0].from`. */
  field: string
  /** Where it stands; null for the standard input. */
  path: string | null
  writable: boolean
  from: InputSpec['from']
}

/** All that a job brings, its standard input last. */
export function inputsAsked({
  inputs = [],
  stdin,
}: {
  inputs?: InputSpec[] | undefined
  stdin?: InputSpec['from'] | undefined
}): AskedInput[] {
  const asked: AskedInput[] = inputs.map(({ path, from, mode }, i) => ({
    ...{ field: `inputs[${i}].from`, path, from, writable: mode === 'rw' },
  }))
  return stdin === undefined ? asked : [...asked, { field: 'stdin', path: null, writable: false, from: stdin }]
}

/** Which of a job's secrets its inputs name, and under which of its fields. */
export function secretsInputsName(job: Parameters<typeof inputsAsked>[0]): { path: PropertyKey[]; secret: string }[] {
  const asked = [
    ...(job.inputs ?? []).map(({ from }, i) => ({ at: ['inputs', i, 'from'], from })),
    ...(job.stdin === undefined ? [] : [{ at: ['stdin'], from: job.stdin }]),
  ]
  return asked.flatMap(({ at, from }) => {
    const names = Object.entries(namesIn(from))
    return names.map(([name, { secret }]) => ({ path: [...at, ...name.split('.')], secret }))
  })
}

/** The names of secrets in a source, by their fields. */
function namesIn({ s3, git }: { s3?: S3Source | undefined; git?: GitSource | undefined }): Record<string, SecretName> {
  const keys = keyNamesOf(s3 ?? {}).map(([name, secret]) => [`s3.${name}`, secret])
  return Object.fromEntries([...keys, ...(git?.token === undefined ? [] : [['git.token', git.token]])])
}

/** Where one of a job's `inputs` stands, as its provider gets it. */
interface InputPlace {
  /** Empty for the standard input. */
  path: string
  /** Whether the program reads it from its standard input: then it stands nowhere. @default false */
  stdin?: true
  /** Whether the job may write there. */
  writable: boolean
}

/** One that its requester has. */
export interface BlobInput extends InputPlace {
  blob: BlobSource
  url?: undefined
  s3?: undefined
  git?: undefined
}

/** One that the provider fetches from elsewhere; a file. */
export interface UrlInput extends InputPlace {
  url: UrlSource
  blob?: undefined
  s3?: undefined
  git?: undefined
}

/** One that the provider fetches from a bucket. */
export interface S3Input extends InputPlace {
  s3: S3Source
  blob?: undefined
  url?: undefined
  git?: undefined
}

/** One that the provider fetches from a repository; a folder. */
export interface GitInput extends InputPlace {
  git: GitSource
  blob?: undefined
  url?: undefined
  s3?: undefined
}

/** One of a job's `inputs`, as its provider gets it. */
export type JobInput = BlobInput | UrlInput | S3Input | GitInput

/** Whether it is a folder, and comes as a tar of it; else it is a file. */
export function isFolder({ blob, s3, git }: JobInput): boolean {
  return blob?.folder === true || s3?.prefix !== undefined || git !== undefined
}

/** Which of a job's secrets are there for its inputs: they are not for its program. */
export function secretsOfInputs(inputs: readonly JobInput[]): Set<string> {
  return namedSecrets(inputs.flatMap((input) => Object.values(namesIn(input))))
}

/** What of a job its program reads from its standard input; none where it has none. */
export function stdinOf({ inputs = [] }: { inputs?: readonly JobInput[] | undefined }): JobInput | undefined {
  return inputs.find(({ stdin }) => stdin === true)
}

/** Text that a job brings itself, as its provider fetches it. */
export function inlineBlob(text: string): BlobSource {
  return { sha256: sha256Of(text), bytes: Buffer.byteLength(text), folder: false }
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * What is wrong with where inputs stand: each has its path for itself, and nothing else of the job is to be made inside of
 * it, where nothing can be.
 */
export function inputProblems(
  inputs: readonly { path: string }[],
  volumes: readonly { mountPath: string }[],
): { index: number; problem: string }[] {
  return inputs.flatMap(({ path }, index) => {
    const others = inputs.filter((_, other) => other !== index).map((other) => other.path)
    if (inputs.findIndex((other) => other.path === path) < index) {
      return [{ index, problem: 'is used by another input: give each its own path' }]
    }
    if (others.some((other) => other.startsWith(`${path}/`))) {
      return [{ index, problem: 'must not hold the path of another input: none may stand in another' }]
    }
    const volume = volumes.find(({ mountPath }) => mountPath === path || mountPath.startsWith(`${path}/`))
    return volume === undefined
      ? []
      : [{ index, problem: `must not hold the volume at ${volume.mountPath}: choose another path` }]
  })
}

/** As an award carries it. */
export function inputToWire(input: JobInput): MessageInitShape<typeof InputSchema> {
  const { path, writable, stdin } = input
  return { path, writable, stdin: stdin === true, source: sourceToWire(input) }
}

function sourceToWire({
  blob,
  url: from,
  s3,
  git,
}: JobInput): NonNullable<MessageInitShape<typeof InputSchema>['source']> {
  if (s3 !== undefined) return { case: 's3', value: s3ToWire(s3) }
  if (git !== undefined) return { case: 'git', value: gitToWire(git) }
  if (blob === undefined) {
    return { case: 'url', value: { url: from.url, sha256: Buffer.from(from.sha256 ?? '', 'hex') } }
  }
  return { case: 'blob', value: blobToWire(blob) }
}

/** As an award carries it. */
export function blobToWire({ sha256, bytes, folder, mark = '' }: BlobSource) {
  return { sha256: Buffer.from(sha256, 'hex'), bytes: BigInt(bytes), folder, mark: Buffer.from(mark, 'hex') }
}

/** What an award says beside a blob; nothing where its requester is of an older version. @throws {WireError} */
export function markOf({ mark }: { mark: Uint8Array }, field: string): { mark?: string } {
  if (mark.length !== 0 && mark.length !== MARK_BYTES) throw invalid(field, `must have a mark of ${MARK_BYTES} bytes`)
  return mark.length === 0 ? {} : { mark: Buffer.from(mark).toString('hex') }
}

/** Of a job that {@link checkInputs} has let through. */
export function inputsOf({ inputs }: Pick<Job, 'inputs'>): JobInput[] {
  return inputs.map(inputFromWire)
}

function inputFromWire({ path, writable, stdin, source }: Input, index: number): JobInput {
  const field = `inputs[${index}].from`
  const place = { path, writable, ...(stdin && { stdin: true as const }) }
  if (source.case === undefined) throw invalid(field, 'is of a kind that is not known here')
  if (source.case === 's3') {
    const read = s3FromWire(source.value)
    if (read.s3 === null) throw invalid(field, read.problem)
    return { ...place, s3: read.s3 }
  }
  if (source.case === 'git') {
    const read = gitFromWire(source.value)
    if (read.git === null) throw invalid(field, read.problem)
    return { ...place, git: read.git }
  }
  const sha256 = Buffer.from(source.value.sha256).toString('hex')
  if (source.case === 'url') {
    const { url } = source.value
    const problem = sourceField.safeParse({ url, ...(sha256 !== '' && { sha256 }) }).error?.issues[0]?.message
    if (problem !== undefined) throw invalid(field, problem)
    return { ...place, url: { url, ...(sha256 !== '' && { sha256 }) } }
  }
  if (!HEX_DIGEST.test(sha256)) throw invalid(field, 'must have a digest of 32 bytes')
  const { bytes, folder } = source.value
  const marked = markOf(source.value, field)
  return { ...place, blob: { sha256, bytes: safeNumber(bytes, 'inputs'), folder, ...marked } }
}

/** Holds the inputs of a peer's award to the rules. @throws {WireError} `INVALID_FIELD` */
export function checkInputs(job: Pick<Job, 'inputs' | 'volumes' | 'secrets'>): void {
  const all = inputsOf(job)
  const missing = [...secretsOfInputs(all)].find((name) => !Object.hasOwn(job.secrets, name))
  if (missing !== undefined) throw invalid('inputs', `name a secret that is not there: ${missing}`)
  const inputs = all.filter(({ stdin }) => stdin !== true)
  const [stdin, second] = all.filter((input) => input.stdin === true)
  if (inputs.length > MAX_INPUTS) throw invalid('inputs', `must have at most ${MAX_INPUTS} entries`)
  if (second !== undefined) throw invalid('stdin', 'must be one')
  if (stdin !== undefined && (stdin.path !== '' || stdin.writable || isFolder(stdin))) {
    throw invalid('stdin', 'must be a file without a path')
  }
  for (const [index, { path }] of inputs.entries()) {
    if (!ownPathField.safeParse(path).success) throw invalid(`inputs[${index}].path`, 'is no path that a job may have')
  }
  const [first] = inputProblems(inputs, job.volumes)
  if (first !== undefined) throw invalid(`inputs[${first.index}].path`, first.problem)
}

function invalid(field: string, problem: string): WireError {
  return new WireError('INVALID_FIELD', `${field} ${problem}`, { field })
}
