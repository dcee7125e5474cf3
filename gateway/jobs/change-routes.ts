import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { type JobRecord, JobStateError, type JobStore } from '../../node/store/index.ts'
import { splitSecrets } from '../../protocol/job-spec.ts'
import { MAX_DURATION_SECONDS } from '../../protocol/limits.ts'
import { success } from '../contract/envelope.ts'
import { extensionSchema } from '../contract/extension.ts'
import { JOB_CHANGES } from '../contract/job-changes.ts'
import { overridesSchema, submissionSchema } from '../contract/job-config.ts'
import { dryRunSchema, JOB_EXAMPLE, jobSchema } from '../contract/jobs.ts'
import { flagField } from '../contract/list-fields.ts'
import { principalOf, toolOrigin } from '../http/context.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { visibleJob } from './access.ts'
import { extensionView } from './extension.ts'
import { secretsOrNames } from './kept-secrets.ts'
import { withStoredSecrets } from './overrides.ts'
import { idempotencyHeader, jobParams } from './params.ts'
import { dryRun, resolveProvider, type SubmitComponents, submitJob } from './submit.ts'
import { jobView } from './view.ts'

const PENDING_EXAMPLE = {
  ...JOB_EXAMPLE,
  assignedProvider: null,
  status: 'pending' as const,
  scheduledAt: null,
  startedAt: null,
  cost: { current: 0, projected: 0.1, currency: 'USD' as const },
}

const submitOperation = operation({
  method: 'post',
  path: '/plugin-core/jobs',
  operationId: 'submitJob',
  tag: 'Jobs',
  summary: 'Submit a job',
  description:
    'Only `image` is needed. With `?dryRun=true` nothing is submitted: it is checked, and every provider that is asked says whether it would take it and at what price.',
  permission: 'jobs:write',
  request: {
    query: z.strictObject({
      dryRun: flagField.describe('Checks the job and asks providers what they say to it; nothing is submitted.'),
    }),
    headers: idempotencyHeader,
    body: {
      required: true,
      description: 'The job.',
      content: {
        'application/json': {
          schema: submissionSchema,
          example: { image: 'busybox:1.36', command: ['echo'], args: ['hello'], cpu: 500, memory: '256Mi' },
        },
      },
    },
  },
  data: z.union([jobSchema, dryRunSchema]).describe('The job; with `?dryRun=true` what providers say to it.'),
  status: 201,
  example: PENDING_EXAMPLE,
  errors: ['IDEMPOTENCY_CONFLICT', 'PROVIDER_UNAVAILABLE'],
})

/** As zod takes them. */
const CHANGES = Object.fromEntries(JOB_CHANGES.map((field) => [field, true])) as Record<
  (typeof JOB_CHANGES)[number],
  true
>

/** What may still change while nobody has the job. */
const changesSchema = z.strictObject(overridesSchema.shape).pick(CHANGES).meta({
  id: 'JobChanges',
  description: 'What may still change of a job while nobody has it; what is absent stays, and null takes out.',
})

const updateOperation = operation({
  method: 'put',
  path: '/plugin-core/jobs/{id}',
  operationId: 'updateJob',
  tag: 'Jobs',
  summary: 'Change a pending job',
  description:
    'Resources, price cap, whom it asks, constraints, name and labels, until a provider is chosen. Unless that is only its name or its labels, providers are asked again at once, and `queueTimeout` counts from then. Where a job with secrets may run does not change: submit that one again, with them.',
  permission: 'jobs:write',
  request: {
    params: jobParams,
    body: {
      required: true,
      description: 'What is to be changed.',
      content: { 'application/json': { schema: changesSchema, example: { memory: '1Gi' } } },
    },
  },
  data: jobSchema,
  example: { ...PENDING_EXAMPLE, memory: '1Gi' },
  errors: ['JOB_NOT_FOUND', 'JOB_STATE_CONFLICT', 'PROVIDER_UNAVAILABLE'],
})

const cancelSchema = z
  .strictObject({
    id: z.string().describe('Of the job.'),
    status: z.literal('cancelling').describe('Its provider is told to stop it.'),
  })
  .describe('What was begun.')
const cancel = {
  tag: 'Jobs',
  description: 'Answers at once; the job is `cancelled` when its provider has stopped it.',
  permission: 'jobs:write',
  request: { params: jobParams },
  data: cancelSchema,
  example: { id: JOB_EXAMPLE.id, status: 'cancelling' },
  errors: ['JOB_NOT_FOUND', 'JOB_STATE_CONFLICT'],
} as const

const cancelOperation = operation({
  ...cancel,
  errors: [...cancel.errors],
  method: 'post',
  path: '/plugin-core/jobs/{id}/cancel',
  operationId: 'cancelJob',
  summary: 'Cancel a job',
})

const deleteOperation = operation({
  ...cancel,
  errors: [...cancel.errors],
  method: 'delete',
  path: '/plugin-core/jobs/{id}',
  operationId: 'deleteJob',
  summary: 'Cancel a job (the same as cancel)',
})

const extendOperation = operation({
  method: 'post',
  path: '/plugin-core/jobs/{id}/extend',
  operationId: 'extendJob',
  tag: 'Jobs',
  summary: 'Give a job more time',
  description:
    'Its provider has to agree. With `?dryRun=true` it is not asked: the answer is what the time would cost, and when the job would end.',
  permission: 'jobs:write',
  request: {
    params: jobParams,
    query: z.strictObject({
      dryRun: flagField.describe('Only tells what it would cost and when the job would end; nothing is changed.'),
    }),
    body: {
      required: true,
      description: 'How much more.',
      content: {
        'application/json': {
          schema: z.strictObject({
            additional: z.int().min(1).max(MAX_DURATION_SECONDS).describe('Seconds on top of the duration.'),
          }),
          example: { additional: 600 },
        },
      },
    },
  },
  data: z.union([jobSchema, extensionSchema]).describe('The job; with `?dryRun=true` what the time would mean.'),
  example: { ...JOB_EXAMPLE, duration: 4200 },
  errors: ['JOB_NOT_FOUND', 'JOB_STATE_CONFLICT', 'PROVIDER_CONFLICT'],
})

const resubmitOperation = operation({
  method: 'post',
  path: '/plugin-core/jobs/{id}/resubmit',
  operationId: 'resubmitJob',
  tag: 'Jobs',
  summary: 'Submit a job again as a new one',
  description:
    'Fields of the body, or of its `overrides`, change the new job: `env`, `secrets` and `labels` are changed name by name, every other field is replaced, and null takes out. Secrets and registry credentials are taken over where neither what runs nor where changes (sizes, times, prices and labels may); otherwise each must be given anew, or taken out, and the error names it.',
  permission: 'jobs:write',
  request: {
    params: jobParams,
    headers: idempotencyHeader,
    body: {
      required: false,
      description: 'What the new job has instead; without a body it is the same.',
      content: {
        'application/json': {
          schema: z.strictObject({ ...overridesSchema.shape, overrides: overridesSchema.optional() }),
          example: { overrides: { memory: '1Gi' } },
        },
      },
    },
  },
  data: jobSchema,
  status: 201,
  example: { ...PENDING_EXAMPLE, origin: { resubmittedFrom: JOB_EXAMPLE.id } },
  errors: ['JOB_NOT_FOUND', 'IDEMPOTENCY_CONFLICT', 'PROVIDER_UNAVAILABLE'],
})

/** What makes jobs and changes them: submit, update, cancel, extend, resubmit. */
export function addChangeRoutes(api: Api, submitting: SubmitComponents & { store: JobStore }): void {
  const { store, directory, requester } = submitting

  api.openapi(submitOperation, async (c) => {
    const spec = c.req.valid('json')
    const { owner } = principalOf(c)
    if (c.req.valid('query').dryRun)
      return c.json(success(await dryRun(submitting, resolveProvider(spec, owner, submitting), owner)), 200 as 201)
    const { job, repeated } = await submitJob(submitting, {
      owner,
      spec,
      origin: { requestId: c.var.requestId, ...toolOrigin(c) },
      idempotencyKey: c.req.valid('header')['idempotency-key'],
    })
    if (repeated) c.header('Idempotency-Replayed', 'true')
    return c.json(success(jobView(job, directory)), repeated ? (200 as 201) : 201)
  })

  api.openapi(updateOperation, async (c) => {
    const before = await visibleJob(c, store, c.req.valid('param').id)
    const { job, result: isOther } = await updatePending(submitting, before, c.req.valid('json'))
    if (isOther) requester.askAgain(job)
    return c.json(success(jobView(job, directory)), 200)
  })

  api.openapi(cancelOperation, async (c) => {
    const { id } = await visibleJob(c, store, c.req.valid('param').id)
    await requester.cancel(id)
    return c.json(success({ id, status: 'cancelling' as const }), 200)
  })

  api.openapi(deleteOperation, async (c) => {
    const { id } = await visibleJob(c, store, c.req.valid('param').id)
    await requester.cancel(id)
    return c.json(success({ id, status: 'cancelling' as const }), 200)
  })

  api.openapi(extendOperation, async (c) => {
    const before = await visibleJob(c, store, c.req.valid('param').id)
    const { additional } = c.req.valid('json')
    const extension = extensionView(before, additional, directory)
    if (c.req.valid('query').dryRun) return c.json(success(extension), 200)
    const job = await requester.extend(before.id, additional)
    return c.json(success(jobView(job, directory)), 200)
  })

  api.openapi(resubmitOperation, async (c) => {
    const first = await visibleJob(c, store, c.req.valid('param').id)
    const { overrides = {}, ...direct } = c.req.valid('json')
    const { job, repeated } = await submitJob(submitting, {
      owner: first.owner,
      spec: withStoredSecrets(first.spec, await store.secrets(first.id), { ...direct, ...overrides }),
      origin: { resubmittedFrom: first.id, requestId: c.var.requestId },
      idempotencyKey: c.req.valid('header')['idempotency-key'],
    })
    if (repeated) c.header('Idempotency-Replayed', 'true')
    return c.json(success(jobView(job, directory)), repeated ? (200 as 201) : 201)
  })
}

/** Nothing that providers are asked by. */
const UNSEEN = { name: undefined, labels: undefined }

/** Whether what was changed is to be asked for anew. @throws {JobStateError} where a provider is chosen already */
async function updatePending(
  components: SubmitComponents & { store: Pick<JobStore, 'change' | 'secrets'> },
  before: JobRecord,
  changes: z.output<typeof changesSchema>,
) {
  const { store } = components
  const known = await secretsOrNames(store, before)
  return await store.change(before.id, (draft) => {
    const { state, spec, owner } = draft.job
    if (state.status !== 'pending' || state.award !== null) throw new JobStateError(state.status, ['pending'])
    const whole = withStoredSecrets(spec, known, changes)
    const isMoved = whole.provider !== spec.provider
    const changed = splitSecrets(isMoved ? resolveProvider(whole, owner, components) : whole).spec
    draft.patch({ spec: changed, durationSeconds: changed.duration })
    return !isDeepStrictEqual({ ...changed, ...UNSEEN }, { ...spec, ...UNSEEN })
  })
}
