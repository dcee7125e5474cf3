import type { JobStore } from '../../node/store/index.ts'
import { success } from '../contract/envelope.ts'
import { dryRunSchema } from '../contract/jobs.ts'
import type { Api } from '../http/feature.ts'
import { operation } from '../http/operation.ts'
import { visibleJob } from './access.ts'
import { secretsOrNames } from './kept-secrets.ts'
import { withStoredSecrets } from './overrides.ts'
import { jobParams } from './params.ts'
import { dryRun, resolveAgain, type SubmitComponents } from './submit.ts'

const whyOperation = operation({
  method: 'get',
  path: '/plugin-core/jobs/{id}/why',
  operationId: 'getJobWhy',
  tag: 'Jobs',
  summary: 'Why nobody takes a job, and what would help',
  description:
    'Providers are asked anew what they say to the same job, as by a dry run: nothing is submitted. Of a pending job `waiting` says by itself what was said when it was asked for last.',
  // It costs providers what a dry run costs them.
  permission: 'jobs:write',
  request: { params: jobParams },
  data: dryRunSchema,
  example: {
    valid: true,
    accepted: false,
    quotes: [],
    nearest: {
      code: 'NO_PROVIDER',
      message: 'No provider took the job; the nearest was attic: asks $0.02 an hour, the cap is $0.01 an hour',
      remedy: 'Relax the constraints or the price cap, or wait for capacity with a longer queueTimeout.',
      fault: 'user',
      details: { reason: 'declined', declineCode: 'PRICE_ABOVE_CAP' },
      change: null,
    },
    helps: [{ text: 'Raise maxPrice to $0.02 an hour', changes: { maxPrice: '0.02' } }],
  },
  errors: ['JOB_NOT_FOUND', 'PROVIDER_UNAVAILABLE'],
})

/** A dry run of a job that was submitted. */
export function addWhyRoute(
  api: Api,
  submitting: SubmitComponents & { store: Pick<JobStore, 'get' | 'secrets'> },
): void {
  const { store } = submitting
  api.openapi(whyOperation, async (c) => {
    const job = await visibleJob(c, store, c.req.valid('param').id)
    const whole = withStoredSecrets(job.spec, await secretsOrNames(store, job), {})
    return c.json(success(await dryRun(submitting, resolveAgain(whole, job.owner, submitting), job.owner)), 200)
  })
}
