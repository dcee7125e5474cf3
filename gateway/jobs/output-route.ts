import { posix } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { ClientNode } from '../../node/index.ts'
import { outputArrived } from '../../node/outputs/arrived.ts'
import { type OneOutput, oneOfSeveral } from '../../node/outputs/one-of-several.ts'
import { findPart } from '../../node/outputs/part.ts'
import { type JobRecord, JobStateError, type JobStore } from '../../node/store/index.ts'
import { outputRoots } from '../../protocol/job-outputs.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { MAX_PATH_BYTES } from '../../protocol/limits.ts'
import type { Answers } from '../events/index.ts'
import { attachmentHeaders } from '../http/attachment.ts'
import { rangeHeaders, rangeOf } from '../http/byte-range.ts'
import type { GatewayContext } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { visibleJob } from './access.ts'
import { jobParams } from './params.ts'

/** How long a request waits for an output that is on its way, in ms. */
const WAIT_MS = 25_000

const outputOperation = operation({
  method: 'get',
  path: '/plugin-core/jobs/{id}/output',
  operationId: 'getJobOutput',
  tag: 'Jobs',
  summary: 'The kept output',
  description:
    'What the container left at `outputs`, as a tar whose entries begin with the last part of that path, or of several paths with the name of each; with `name` a tar of that one alone; with `path` one file of it, as it is. `Range` gives a part of each. Of a job that has just ended it may still be on its way: then the answer waits a little.',
  permission: 'jobs:read',
  request: {
    params: jobParams,
    query: z.strictObject({
      name: z
        .string()
        .min(1)
        .max(MAX_PATH_BYTES)
        .optional()
        .describe('One of several outputs, by its name; not beside `path`, which begins with it.'),
      path: z
        .string()
        .min(1)
        .max(MAX_PATH_BYTES)
        .optional()
        .describe('One file of it, as its entry in the tar is called, e.g. `results/model.bin`; links are followed.'),
    }),
  },
  data: z.never(),
  file: 'application/x-tar',
  files: ['application/octet-stream'],
  errors: [
    'RANGE_NOT_SATISFIABLE',
    'JOB_NOT_FOUND',
    'JOB_STATE_CONFLICT',
    'RESOURCE_NOT_FOUND',
    'PROVIDER_UNAVAILABLE',
  ],
})

/** `GET …/jobs/{id}/output` */
export function addOutputRoute(
  api: Api,
  components: { store: JobStore; outputs: ClientNode['outputs']; answers: Answers; clock: Clock },
): void {
  const { store, outputs, answers, clock } = components
  api.openapi(outputOperation, async (c) => {
    const first = await visibleJob(c, store, c.req.valid('param').id)
    if (first.spec.outputs !== undefined && !isTerminal(first.state.status)) {
      throw new JobStateError(first.state.status, ['completed', 'failed', 'cancelled'])
    }
    const limit = deadline(clock, WAIT_MS, c.req.raw.signal)
    const job = await outputArrived(store, first, limit.signal).finally(limit.clear)
    const { path, name } = c.req.valid('query')
    if (path !== undefined && name !== undefined) {
      throw new GatewayError('VALIDATION_ERROR', 'Leave out name: path begins with the name of its output')
    }
    if (path !== undefined) return await sendPart(c, components, job, path)
    if (name !== undefined) return await sendOne(c, components, job, name)
    if (job.output?.state !== 'kept') throw missing(job)
    const whole = {
      bytes: job.output.bytes,
      open: async (part: Part) => (await outputs.open(job.id, part))?.stream ?? null,
    }
    return await sendTar(c, answers, job, whole, `${job.id}.tar`)
  })
}

/** A piece of a file, in bytes. */
type Part = Parameters<OneOutput['open']>[0]

/** A tar, or the part of it that is asked for. */
async function sendTar(
  c: GatewayContext,
  answers: Answers,
  job: JobRecord,
  tar: OneOutput,
  name: string,
): Promise<Response> {
  const range = rangeOf(c.req.header('range'), tar.bytes)
  const headers = { ...attachmentHeaders(name, 'application/x-tar'), ...rangeHeaders(range, tar.bytes) }
  const status = range === null ? 200 : 206
  if (c.req.method === 'HEAD') return c.body(null, status, headers)
  const { from, length } = range ?? { from: 0, length: tar.bytes }
  const stream = await tar.open({ offset: from, length })
  if (stream === null) throw missing(job)
  return answers.file(c, stream, headers, status)
}

/** One of several outputs. */
async function sendOne(
  c: GatewayContext,
  { outputs, answers }: { outputs: ClientNode['outputs']; answers: Answers },
  job: JobRecord,
  name: string,
): Promise<Response> {
  if (job.output?.state !== 'kept') throw missing(job)
  const names = outputRoots(job.spec.outputs)
  if (!names.includes(name)) {
    throw new GatewayError('RESOURCE_NOT_FOUND', `The job has no output ${name}: it has ${names.join(', ')}`)
  }
  const kept = await oneOfSeveral(outputs, job.id, name)
  if (kept === null) throw new GatewayError('RESOURCE_NOT_FOUND', `Nothing was kept of the output ${name}`)
  return await sendTar(c, answers, job, kept, `${job.id}-${name}.tar`)
}

/** One file of it. */
async function sendPart(
  c: GatewayContext,
  { outputs, answers }: { outputs: ClientNode['outputs']; answers: Answers },
  job: JobRecord,
  path: string,
): Promise<Response> {
  if (job.output?.state !== 'kept') throw missing(job)
  const part = await findPart(outputs, job.id, path)
  if (part === null) {
    throw new GatewayError('RESOURCE_NOT_FOUND', `The output has no ${path}: the whole tar says what it has`)
  }
  if (part.type === 'folder') {
    throw new GatewayError(
      'VALIDATION_ERROR',
      `${path} of the output is a folder: name a file in it, or take the whole tar`,
    )
  }
  const range = rangeOf(c.req.header('range'), part.size)
  const headers = {
    ...attachmentHeaders(posix.basename(part.path), 'application/octet-stream'),
    ...rangeHeaders(range, part.size),
    'Last-Modified': new Date(part.mtimeMs).toUTCString(),
  }
  const { from, length } = range ?? { from: 0, length: part.size }
  if (length === 0 || c.req.method === 'HEAD') return c.body(null, 200, headers)
  const kept = await outputs.open(job.id, { offset: part.offset + from, length })
  if (kept === null) throw missing(job)
  return answers.file(c, kept.stream, headers, range === null ? 200 : 206)
}

function missing({ spec, output }: JobRecord): GatewayError {
  if (spec.outputs === undefined) {
    return new GatewayError(
      'RESOURCE_NOT_FOUND',
      'The job names no outputs: submit it with `outputs`, a path or several',
    )
  }
  if (output?.state === 'waiting') {
    const message = 'The output is still on its way from the provider: ask again'
    return new GatewayError('PROVIDER_UNAVAILABLE', message, { headers: { 'Retry-After': '5' } })
  }
  if (output?.state === 'held') {
    return new GatewayError('RESOURCE_NOT_FOUND', `The output is not here yet: ${output.message}`)
  }
  if (output?.state === 'sent') {
    return new GatewayError('RESOURCE_NOT_FOUND', 'None of the output is kept here: it went where the job said')
  }
  const why = output === undefined || output.message === '' ? 'it is not kept any more' : output.message
  return new GatewayError('RESOURCE_NOT_FOUND', `There is no output: ${why}`)
}
