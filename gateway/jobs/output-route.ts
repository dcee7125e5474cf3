import { Readable } from 'node:stream'
import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import { deadline } from '../../node/deadline.ts'
import { outputArrived } from '../../node/outputs/arrived.ts'
import { type JobRecord, JobStateError } from '../../node/store/index.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import type { GatewayEnv } from '../context.ts'
import { GatewayError } from '../errors.ts'
import { operation } from '../operation.ts'
import type { GatewayParts } from '../parts.ts'
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
    'What the container left at `outputs`, as a tar whose entries begin with the last part of that path. Of a job that has just ended it may still be on its way: then the answer waits a little.',
  permission: 'jobs:read',
  request: { params: jobParams },
  data: z.never(),
  file: 'application/x-tar',
  errors: ['JOB_NOT_FOUND', 'JOB_STATE_CONFLICT', 'RESOURCE_NOT_FOUND', 'PROVIDER_UNAVAILABLE'],
})

/** `GET …/jobs/{id}/output` */
export function addOutputRoute(api: OpenAPIHono<GatewayEnv>, { node, clock }: GatewayParts): void {
  api.openapi(outputOperation, async (c) => {
    const first = await visibleJob(c, node.store, c.req.valid('param').id)
    if (first.spec.outputs !== undefined && !isTerminal(first.state.status)) {
      throw new JobStateError(first.state.status, ['completed', 'failed', 'cancelled'])
    }
    const limit = deadline(clock, WAIT_MS, c.req.raw.signal)
    const job = await outputArrived(node.store, first, limit.signal).finally(limit.clear)
    const kept = job.output?.state === 'kept' ? await node.outputs.open(job.id) : null
    if (kept === null) throw missing(job)
    return new Response(Readable.toWeb(kept.stream) as ReadableStream, {
      headers: {
        'Content-Type': 'application/x-tar',
        'Content-Length': String(kept.bytes),
        'Content-Disposition': `attachment; filename="${job.id}.tar"`,
      },
    })
  })
}

function missing({ spec, output }: JobRecord): GatewayError {
  if (spec.outputs === undefined) {
    return new GatewayError('RESOURCE_NOT_FOUND', 'The job names no outputs: submit it with `outputs`, a path')
  }
  if (output?.state === 'waiting') {
    const message = 'The output is still on its way from the provider: ask again'
    return new GatewayError('PROVIDER_UNAVAILABLE', message, { headers: { 'Retry-After': '5' } })
  }
  const why = output === undefined || output.message === '' ? 'it is not kept any more' : output.message
  return new GatewayError('RESOURCE_NOT_FOUND', `There is no output: ${why}`)
}
