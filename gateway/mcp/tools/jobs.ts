import { z } from 'zod'
import { COST_PERIODS } from '../../contract/costs.ts'
import { isTerminal, JOB_STATUSES } from '../../contract/job-status.ts'
import { jobField, waitField } from './fields.ts'
import { answerOf } from './run.ts'
import { tool } from './tool.ts'
import { jobView, usd, waitUntil } from './views.ts'

const PERIODS = Object.keys(COST_PERIODS) as (keyof typeof COST_PERIODS)[]

/** `job`, `jobs`, `cancel` and `costs` */
export const jobTools = [
  tool({
    name: 'job',
    title: 'Look at a job, or wait for its end',
    description:
      'Answers how far a job is, and once it has ended its exit code and log. It waits for the end; with waitSeconds 0 it answers at once.',
    needs: ['jobs:read'],
    input: z.strictObject({ job: jobField, waitSeconds: waitField('for its end').default(0) }),
    reads: true,
    async call({ job: id, waitSeconds: seconds }, context) {
      const job = await waitUntil(context.client, id, ({ status }) => isTerminal(status), { ...context, seconds })
      return await answerOf(job, context)
    },
  }),
  tool({
    name: 'jobs',
    title: 'List jobs',
    description:
      'Answers jobs, newest first: use it to find a job whose id is not known, or what still runs and costs money.',
    needs: ['jobs:read'],
    input: z.strictObject({
      status: z
        .array(z.enum(JOB_STATUSES))
        .min(1)
        .max(JOB_STATUSES.length)
        .optional()
        .describe('Only those in one of these.'),
      text: z.string().max(200).optional().describe('Text in id, name, image, command or labels.'),
      limit: z.int().min(1).max(50).default(20).describe('Jobs at most.'),
      cursor: z.string().max(512).optional().describe('nextCursor of the answer before.'),
    }),
    reads: true,
    async call({ status, text: q, limit, cursor }, { client, signal }) {
      const query = {
        limit,
        ...(status === undefined ? {} : { status }),
        ...(q === undefined ? {} : { q }),
        ...(cursor === undefined ? {} : { cursor }),
      }
      const { items, pagination } = await client.jobs.list(query, { signal })
      return { jobs: items.map(jobView), total: pagination.total, nextCursor: pagination.nextCursor }
    },
  }),
  tool({
    name: 'cancel',
    title: 'End a job or a sandbox',
    description:
      'Ends a job or a sandbox; what is in its container is lost, but for its outputs. Nothing is paid for it any more.',
    needs: ['jobs:read', 'jobs:write'],
    input: z.strictObject({ job: jobField, waitSeconds: waitField('until it has ended').default(20) }),
    destroys: true,
    async call({ job: id, waitSeconds: seconds }, { client, signal }) {
      const before = await client.jobs.get(id, { signal })
      if (!isTerminal(before.status)) await client.jobs.cancel(id, { signal })
      return jobView(await waitUntil(client, id, ({ status }) => isTerminal(status), { seconds, signal }))
    },
  }),
  tool({
    name: 'costs',
    title: 'What jobs cost',
    description: 'Answers what jobs cost in a time, and what is left of the budget where there is one.',
    needs: ['jobs:read'],
    input: z.strictObject({
      period: z
        .enum(PERIODS as [keyof typeof COST_PERIODS])
        .default('24h')
        .describe('Back to when jobs were created.'),
    }),
    reads: true,
    async call({ period }, { client, budget, signal }) {
      const { rows, total } = await client.analytics.costs({ period }, { signal })
      const view = ({ jobs, actual, volumes }: Omit<(typeof rows)[number], 'group'>) => ({
        jobs,
        costUsd: usd(actual),
        volumesUsd: usd(volumes),
      })
      return {
        period,
        ...view(total),
        days: rows.map((row) => ({ day: row.group, ...view(row) })),
        ...(budget === null ? {} : { budget: await budget.state(signal) }),
      }
    },
  }),
]
