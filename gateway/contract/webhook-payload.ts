import { z } from 'zod'
import { JOB_EXAMPLE, jobSchema } from './jobs.ts'
import { PROVIDER_EXAMPLE, providerSchema } from './providers.ts'
import type { WebhookEvent } from './webhook-events.ts'

const alertSchema = z
  .strictObject({
    code: z.enum(['STORE_UNWRITABLE', 'NO_PROVIDER']).describe('What is wrong.'),
    message: z.string().describe('The same for people.'),
    state: z.enum(['raised', 'resolved']).describe('Told once when it has lasted a minute, and once when it is over.'),
    since: z.iso.datetime().describe('When it began.'),
  })
  .meta({ id: 'Alert', description: 'Something that keeps the gateway from its work.' })

const jobData = z.strictObject({ job: jobSchema })
const providerData = z.strictObject({ provider: providerSchema })

/** When a webhook is told of an event. */
export const WEBHOOK_EVENT_MEANINGS = {
  'job.created': 'A job was submitted.',
  'job.scheduled': 'A provider took the job and holds its capacity.',
  'job.started': 'The job’s container has started.',
  'job.completed': 'The job’s program ended with exit code 0.',
  'job.failed': 'The job ended badly; `error` says why.',
  'job.cancelled': 'The job was cancelled.',
  'job.expired': 'The job’s duration is over, and its program is told to end.',
  'job.cost.threshold':
    'The job has cost as much as the webhook’s `costThreshold`, or four fifths of what it may cost.',
  'job.status.changed': 'The job’s status is another; sent beside the event that says which.',
  'provider.status.changed': 'A provider was heard of again, or missed.',
  'provider.pricing.changed': 'A provider changed its prices.',
  'provider.added': 'A provider was heard of for the first time.',
  'provider.removed': 'A provider has been away for so long that it is forgotten.',
  'system.alert': 'Something has kept the gateway from its work for a minute, or does no more.',
} as const satisfies Record<WebhookEvent, string>

function dataSchema(event: WebhookEvent) {
  if (event === 'system.alert') return z.strictObject({ alert: alertSchema })
  if (event === 'job.cost.threshold') {
    return z.strictObject({ job: jobSchema, threshold: z.number().describe('US dollars that were reached.') })
  }
  return event.startsWith('job.') ? jobData : providerData
}

/** The body of a delivery. */
export function payloadSchema(event: WebhookEvent) {
  return z.strictObject({
    id: z.string().describe('Of the event: the same in every delivery of it, and in none of another.'),
    type: z.literal(event).describe('Its name, as in `X-Cortex-Event`.'),
    createdAt: z.iso.datetime().describe('When it happened.'),
    data: dataSchema(event).describe('What it is about, as it is when the event is sent.'),
  })
}

/** `data` of an example of an event. */
export function exampleData(event: WebhookEvent): Record<string, unknown> {
  if (event === 'system.alert') {
    const message = 'No provider of the network is online: jobs wait for one'
    return { alert: { code: 'NO_PROVIDER', message, state: 'raised', since: JOB_EXAMPLE.createdAt } }
  }
  if (event === 'job.cost.threshold') return { job: JOB_EXAMPLE, threshold: 0.08 }
  return event.startsWith('job.') ? { job: JOB_EXAMPLE } : { provider: PROVIDER_EXAMPLE }
}
