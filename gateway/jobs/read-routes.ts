import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import { ownerFilter } from '../auth/principal.ts'
import { type GatewayEnv, principalOf } from '../context.ts'
import { page, success } from '../envelope.ts'
import { listOperation, operation } from '../operation.ts'
import { flagField, pick } from '../paging.ts'
import type { GatewayParts } from '../parts.ts'
import { visibleJob } from './access.ts'
import { jobListQuery, listJobs } from './list.ts'
import { jobParams } from './params.ts'
import { JOB_EXAMPLE, jobListItemSchema, jobSchema } from './schemas.ts'
import { debugView, eventView, jobView } from './view.ts'

/** Events shown with a job; `/events` has them all. */
const MAX_EVENTS = 1000

const listJobsOperation = listOperation({
  method: 'get',
  path: '/plugin-core/jobs',
  operationId: 'listJobs',
  tag: 'Jobs',
  summary: 'List jobs',
  description:
    'Newest first, unless sorted otherwise. Labels are filtered with `label.KEY=VALUE`. Following `nextCursor` costs the same at any depth and in every order, however many jobs there are; text (`q`) is looked for in every job that the other filters leave.',
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

export function addReadRoutes(api: OpenAPIHono<GatewayEnv>, { node }: GatewayParts): void {
  const { store, directory } = node

  api.openapi(listJobsOperation, async (c) => {
    const query = c.req.valid('query')
    const { jobs, pagination } = await listJobs(store, ownerFilter(principalOf(c)), query)
    const views = jobs.map((job) => pick(jobView(job, directory), query.fields))
    return c.json(page(views, pagination), 200)
  })

  api.openapi(getJobOperation, async (c) => {
    const job = await visibleJob(c, store, c.req.valid('param').id)
    const events = (await store.events(job.id, 0, MAX_EVENTS)).map(eventView)
    const debug = c.req.valid('query').debug ? { debug: debugView(job) } : {}
    return c.json(success({ ...jobView(job, directory), events, ...debug }), 200)
  })
}
