import { z } from 'zod'
import { BENCH_IMAGE, benchSubmission } from '../../node/benchmark/bench-job.ts'
import { imageField, pricePerHourField } from '../../protocol/job-fields.ts'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { success } from '../contract/envelope.ts'
import { JOB_EXAMPLE, jobSchema } from '../contract/jobs.ts'
import { principalOf } from '../http/context.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { idempotencyHeader, jobView, type SubmitComponents, submitJob } from '../jobs/index.ts'
import { providerParams } from './params.ts'

const bodySchema = z
  .strictObject({
    image: imageField.default(BENCH_IMAGE).describe('One that has Node 20 or later, as `node`.'),
    maxPrice: pricePerHourField.optional().describe('US dollars per hour at most.'),
  })
  .meta({ id: 'NewBench', description: 'How a machine is to be measured.' })

const benchOperation = operation({
  method: 'post',
  path: '/plugin-core/providers/{id}/bench',
  operationId: 'benchProvider',
  tag: 'Providers',
  summary: 'Measure a provider’s machine by a job of some seconds',
  description:
    'The job is yours, and billed as any other. What it finds is the last line of its output, and the provider’s `seen`; after two of them you are served by what was seen where the provider’s own figures are off by more than a third.',
  permission: 'jobs:write',
  request: {
    params: providerParams,
    headers: idempotencyHeader,
    body: {
      required: true,
      description: 'How it is to be measured.',
      content: { 'application/json': { schema: bodySchema, example: { image: BENCH_IMAGE, maxPrice: 0.1 } } },
    },
  },
  data: jobSchema,
  example: JOB_EXAMPLE,
  status: 201,
  errors: ['PROVIDER_NOT_FOUND', 'PROVIDER_UNAVAILABLE', 'IDEMPOTENCY_CONFLICT'],
})

/** `POST /plugin-core/providers/{id}/bench`: submits a job in the asker’s name that measures the machine. */
export function addBenchRoute(api: Api, components: SubmitComponents): void {
  api.openapi(benchOperation, async (c) => {
    const asked = await benchSubmission(c.req.valid('param').id, c.req.valid('json'))
    const { job, repeated } = await submitJob(components, {
      owner: principalOf(c).owner,
      spec: jobSubmissionSchema.parse(asked),
      origin: { requestId: c.var.requestId },
      idempotencyKey: c.req.valid('header')['idempotency-key'],
    })
    if (repeated) c.header('Idempotency-Replayed', 'true')
    return c.json(success(jobView(job, components.directory)), repeated ? (200 as 201) : 201)
  })
}
