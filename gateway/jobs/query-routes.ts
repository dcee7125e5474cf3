import { z } from 'zod'
import type { JobStore } from '../../node/store/index.ts'
import { success } from '../contract/envelope.ts'
import { jobListItemSchema, jobListQuery } from '../contract/job-list.ts'
import { JOB_EXAMPLE, type JobView, jobSchema } from '../contract/jobs.ts'
import { flagField } from '../contract/list-fields.ts'
import { principalOf } from '../http/context.ts'
import type { Api } from '../http/feature.ts'
import { listOperation, operation } from '../http/operation.ts'
import { visibleJob } from './access.ts'
import { type AnswerJobsComponents, answerJobs } from './answer-jobs.ts'
import { openedSecrets } from './kept-secrets.ts'
import { listJobs } from './list.ts'
import { jobParams } from './params.ts'
import { debugView, eventView, waitingJobView } from './view.ts'

/** Events shown with a job; `/events` has them all. */
const MAX_EVENTS = 1000

const listJobsOperation = listOperation({
  method: 'get',
  path: '/plugin-core/jobs',
  operationId: 'listJobs',
  tag: 'Jobs',
  summary: 'List jobs',
  description:
    'Newest first, unless sorted otherwise. Labels are filtered with `label.KEY=VALUE`. Following `nextCursor` costs the same at any depth and in every order, however many jobs there are; text (`q`) is looked for in every job that the other filters leave. With `fold=true` a batch is one item.',
  permission: 'jobs:read',
  request: { query: jobListQuery },
  data: jobListItemSchema,
  example: JOB_EXAMPLE,
})

const getJobOperation = operation({
  method: 'get',
  path: '/plugin-core/jobs/{id}',
  operationId: 'getJob',
  tag: 'Jobs',
  summary: 'Get a job with its events',
  permission: 'jobs:read',
  request: {
    params: jobParams,
    query: z.strictObject({ debug: flagField.describe('Adds attempt, lease and log extent.') }),
  },
  data: jobSchema,
  example: { ...JOB_EXAMPLE, events: [{ seq: 1, type: 'created', timestamp: JOB_EXAMPLE.createdAt }] },
  errors: ['JOB_NOT_FOUND'],
})

/** The list of jobs, and one job with its first thousand events. */
export function addQueryRoutes(
  api: Api,
  components: AnswerJobsComponents & { store: Pick<JobStore, 'get' | 'events' | 'listIds' | 'secrets'> },
): void {
  const { store } = components

  api.openapi(listJobsOperation, async (c) => {
    const query = c.req.valid('query')
    return answerJobs(c, components, await listJobs(store, principalOf(c), query), query)
  })

  api.openapi(getJobOperation, async (c) => {
    const job = await visibleJob(c, store, c.req.valid('param').id)
    const events = (await store.events(job.id, 0, MAX_EVENTS)).map(eventView)
    const debug = c.req.valid('query').debug ? { debug: debugView(job) } : {}
    const hidden = await hiddenOf(store, job.id)
    return c.json(success({ ...waitingJobView(job, components), hidden, events, ...debug }), 200)
  })
}

/** Names of what a job was submitted with and nobody is shown; null where that cannot be opened. */
async function hiddenOf(store: Pick<JobStore, 'secrets'>, id: string): Promise<JobView['hidden']> {
  const opened = await openedSecrets(store, id)
  if (opened === null) return null
  const { secrets = {}, registryCredentials } = opened
  return { secrets: Object.keys(secrets), registryCredentials: registryCredentials !== undefined }
}
