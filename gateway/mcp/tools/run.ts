import { z } from 'zod'
import type { Job, JobSubmission } from '../../client/index.ts'
import { SANDBOX_SECONDS, sandboxFields } from '../../client/waiting.ts'
import { isTerminal } from '../../contract/job-status.ts'
import { problemOf } from '../answers.ts'
import { shown } from '../text.ts'
import { jobFields, machineFields, submissionOf, waitField } from './fields.ts'
import { readLog } from './log.ts'
import { type Answer, type ToolContext, tool } from './tool.ts'
import { jobView, usd, waitUntil } from './views.ts'

/** Characters of the log that are answered with a job that has ended. */
const LOG_CHARACTERS = 16_384
/** Offers that are answered, the cheapest first. */
const MAX_OFFERS = 10

/** `estimate`, `run` and `sandbox`: what makes jobs, and what they would cost. */
export const runTools = [
  tool({
    name: 'estimate',
    title: 'Ask what a job would cost',
    description:
      'Asks providers what they would take for a job, and starts nothing. Use it before run where cost matters or a GPU is asked for. mostCostUsd is for the whole duration: a job that ends sooner is paid by the second.',
    needs: ['jobs:write'],
    input: z.strictObject(jobFields),
    reads: true,
    async call(args, { client, budget, signal }) {
      const { accepted, quotes } = await client.jobs.dryRun(submissionOf(args), { signal })
      const takers = quotes
        .filter(({ accepts }) => accepts)
        .toSorted((a, b) => (a.cost ?? 0) - (b.cost ?? 0))
        .slice(0, MAX_OFFERS)
      const offers = takers.map(({ provider, price, cost, waitSeconds, platform }) => ({
        ...{ provider, pricePerHourUsd: usd(price), mostCostUsd: usd(cost), waitSeconds, platform },
      }))
      // What a provider calls its GPUs, and why it declines, are words of its own.
      const gpus = takers.flatMap(({ provider, gpu }) =>
        gpu === null ? [] : [{ provider, gpu: shown(JSON.stringify(gpu).slice(0, 500)) }],
      )
      const reasons = quotes.filter(({ accepts }) => !accepts).map(({ reason }) => shown(reason.slice(0, 200)))
      const declined = [...new Set(reasons)].slice(0, MAX_OFFERS)
      return {
        accepted,
        offers,
        ...(budget === null ? {} : { budget: await budget.state(signal) }),
        next: accepted
          ? 'run with the same fields starts it.'
          : 'Nobody takes it as it is: ask for less, or for a higher maxPrice. untrusted.declined has the reasons.',
        ...(gpus.length + declined.length === 0 ? {} : { untrusted: { gpus, declined } }),
      }
    },
  }),
  tool({
    name: 'run',
    title: 'Run a job to its end',
    description:
      'Runs a program in a container on the cheapest provider and answers its exit code and log. Use it for one command with a beginning and an end; for many commands in one machine use sandbox. Give script for shell code, or command for a program with arguments. Where it has not ended within waitSeconds it goes on: call job with its id. It costs money by the second.',
    needs: ['jobs:read', 'jobs:write'],
    input: z.strictObject({ ...jobFields, waitSeconds: waitField('for its end') }),
    async call({ waitSeconds: seconds, ...args }, context) {
      const { id } = await submit(submissionOf(args), context)
      return await named(id, async () => {
        const job = await waitUntil(context.client, id, ({ status }) => isTerminal(status), { ...context, seconds })
        return await answerOf(job, context)
      })
    },
  }),
  tool({
    name: 'sandbox',
    title: 'Start a machine to work in',
    description:
      'Starts a container that waits for commands: run them with exec, and use write_file, read_file and list_files. Files stay from one exec to the next. It ends by itself after ttlSeconds, with all that is in it; end it with cancel as soon as it is not needed, since it is paid by the second. The image needs sh.',
    needs: ['jobs:read', 'jobs:write'],
    input: z.strictObject({
      ...machineFields,
      ttlSeconds: z.int().min(10).max(86_400).default(SANDBOX_SECONDS).describe('Seconds until it ends by itself.'),
      waitSeconds: waitField('until it runs'),
    }),
    async call({ ttlSeconds: duration, waitSeconds: seconds, ...args }, context) {
      const job = { ...args, duration, ...sandboxFields() }
      const { id } = await submit(job as JobSubmission, context)
      return await named(id, async () => {
        const is = ({ status }: Job): boolean => status === 'running' || isTerminal(status)
        const now = await waitUntil(context.client, id, is, { ...context, seconds })
        const next = {
          running: 'exec runs commands in it; cancel ends it.',
          waiting: 'It does not run yet: call job with its id until its status is running.',
          ended: 'It has ended; failure and remedy say why, or logs does.',
        }
        const state = isTerminal(now.status) ? 'ended' : now.status === 'running' ? 'running' : 'waiting'
        return { ...jobView(now), endsAfterSeconds: duration, next: next[state] }
      })
    },
  }),
]

async function submit(job: JobSubmission, { client, budget, signal }: ToolContext): Promise<Job> {
  return budget === null ? await client.jobs.submit(job, { signal }) : await budget.submit(job, signal)
}

/** Once a job was made, every answer names it, whatever goes wrong with looking at it: it costs money. */
async function named(id: string, look: () => Promise<Answer>): Promise<Answer> {
  try {
    return await look()
  } catch (error) {
    const { untrusted, ...problem } = problemOf(error)
    return {
      ...{ job: id, status: 'unknown', problem },
      next: 'The job was made, but it is not known how it is: call job with this id, and do not run it again.',
      ...(untrusted === undefined ? {} : { untrusted }),
    }
  }
}

/** How a job is: with its log where it has ended. */
export async function answerOf(job: Job, { client, signal }: ToolContext): Promise<Answer> {
  const { untrusted, ...facts } = jobView(job)
  if (!isTerminal(job.status)) {
    const next = 'It has not ended: call job with its id to wait on, logs to read along, cancel to end it.'
    return { ...facts, ...(untrusted === undefined ? {} : { untrusted }), next }
  }
  const { text, total, shownFrom } = await readLog(client, job.id, { characters: LOG_CHARACTERS, signal })
  const kept =
    job.results.outputUrl === null
      ? {}
      : { outputs: job.config.outputs, next: 'read_file reads what it left below outputs.' }
  return {
    ...facts,
    ...kept,
    logLines: total,
    ...(shownFrom > 1 ? { logShownFrom: shownFrom } : {}),
    untrusted: { ...untrusted, log: text },
  }
}
