import { z } from 'zod'
import { FAILURE_CODES } from '../../protocol/failures.ts'
import { JOB_EVENT_TYPES, JOB_STATUSES } from '../../protocol/lifecycle.ts'

const time = z.iso.datetime()
const usd = z.number().describe('US dollars.')

export const jobEventSchema = z
  .looseObject({
    seq: z.number().int().min(1),
    type: z.enum(JOB_EVENT_TYPES),
    timestamp: time,
  })
  .meta({ id: 'JobEvent', description: 'Further fields depend on the type.' })

const jobErrorSchema = z
  .strictObject({
    code: z.enum(FAILURE_CODES),
    message: z.string(),
    remedy: z.string().describe('What to do about it.'),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  })
  .meta({ id: 'JobError' })

const costSchema = z
  .strictObject({
    current: usd.describe('Metered so far, all attempts.'),
    projected: usd.describe('If it runs for its whole duration; before it is placed, an estimate.'),
    final: usd.optional().describe('Once it has ended.'),
    currency: z.literal('USD'),
  })
  .meta({ id: 'JobCost' })

const endpointSchema = z.strictObject({
  port: z.number().int(),
  protocol: z.enum(['TCP', 'UDP']),
  url: z.string().describe('Below this gateway’s own address; for browsers ask for a link with POST …/links.'),
  health: z
    .enum(['answering', 'silent', 'unknown'])
    .describe('As its provider sees it: `silent` where nothing accepts connections yet, `unknown` with UDP.'),
  address: z.string().nullable().describe('HOST:PORT for everybody; null where the port is not public.'),
})

const debugSchema = z
  .strictObject({
    attempt: z.number().int(),
    fence: z.number().int(),
    lease: z.record(z.string(), z.unknown()).nullable(),
    pastLeases: z.array(z.record(z.string(), z.unknown())),
    excluded: z.array(z.string()),
    logs: z.strictObject({ lines: z.number(), bytes: z.number(), first: z.number() }),
  })
  .meta({ id: 'JobDebug' })

export const jobSchema = z
  .strictObject({
    id: z.string(),
    provider: z.string().describe('The network asked for, or one provider’s id.'),
    assignedProvider: z.string().nullable().describe('Who holds the lease.'),
    status: z.enum(JOB_STATUSES),
    image: z.string(),
    command: z.array(z.string()),
    args: z.array(z.string()),
    cpu: z.number().int().describe('Millicores.'),
    memory: z.string(),
    storage: z.string(),
    gpu: z.number().int(),
    duration: z.number().int().describe('Longest runtime in seconds, extensions included.'),
    createdAt: time,
    scheduledAt: time.nullable(),
    startedAt: time.nullable(),
    endedAt: time.nullable(),
    cost: costSchema,
    config: z.record(z.string(), z.unknown()).describe('The rest of the submission, without secrets.'),
    results: z.strictObject({
      exitCode: z.number().int().nullable(),
      outputUrl: z.string().nullable(),
    }),
    error: jobErrorSchema.nullable(),
    attempt: z.number().int(),
    maxAttempts: z.number().int(),
    endpoints: z.array(endpointSchema),
    labels: z.record(z.string(), z.string()),
    origin: z
      .record(z.string(), z.string())
      .describe('Where it came from: resubmittedFrom, batch, schedule, template.'),
    events: z.array(jobEventSchema).optional().describe('With one job; not in lists.'),
    debug: debugSchema.optional().describe('With `?debug=true`.'),
  })
  .meta({ id: 'Job' })
export type JobView = z.input<typeof jobSchema>

/** An item of a list: with `fields` only those are there. */
export const jobListItemSchema = jobSchema.partial().meta({ id: 'JobListItem' })

export const logLineSchema = z
  .strictObject({
    timestamp: time,
    line: z.string(),
    stream: z.enum(['stdout', 'stderr']),
    partial: z.literal(true).optional().describe('The line goes on in the next.'),
  })
  .meta({ id: 'LogLine' })

export const bidSchema = z
  .strictObject({
    attempt: z.number().int(),
    provider: z.string(),
    name: z.string(),
    timestamp: time,
    outcome: z.enum(['accepted', 'released', 'refused', 'silent', 'declined']),
    price: usd.nullable().describe('US dollars per hour; null for a decline.'),
    minimumCharge: usd.nullable().describe('US dollars that the job pays at least if it runs; null for a decline.'),
    score: z.number().nullable().describe('Higher is better; null for a decline.'),
    reason: z.string(),
  })
  .meta({ id: 'Bid' })

const point = z.strictObject({ timestamp: time, value: z.number() })
export const metricsSchema = z
  .strictObject({
    cpu: z.array(point).describe('Millicores.'),
    memory: z.array(point).describe('Bytes.'),
    network: z.strictObject({ rx: z.array(point), tx: z.array(point) }).describe('Bytes since the container started.'),
    storage: z.array(point).describe('Bytes.'),
  })
  .meta({ id: 'JobMetrics' })

const quoteSchema = z
  .strictObject({
    provider: z.string(),
    name: z.string(),
    accepts: z.boolean(),
    price: usd.nullable().describe('US dollars per hour; null where it declines.'),
    minimumCharge: usd.nullable().describe('US dollars that the job pays at least if it runs; null where it declines.'),
    cost: usd.nullable().describe('For the whole duration, the minimum charge included.'),
    score: z.number().nullable(),
    reason: z.string(),
  })
  .meta({ id: 'Quote' })

export const dryRunSchema = z
  .strictObject({
    valid: z.literal(true),
    accepted: z.boolean().describe('Whether anybody would take it now.'),
    quotes: z.array(quoteSchema),
  })
  .meta({ id: 'DryRun' })

export const receiptSchema = z
  .strictObject({
    jobId: z.string(),
    network: z.string(),
    attempt: z.number().int(),
    provider: z.string(),
    requester: z.string(),
    pricePerHour: usd,
    minimumCharge: usd,
    meteredSeconds: z.number().int(),
    cost: usd,
    startedAt: time.nullable(),
    endedAt: time,
    outcome: z.string(),
    exitCode: z.number().int().nullable(),
    signed: z
      .strictObject({ provider: z.string(), requester: z.string() })
      .describe('The statements that both sides signed, base64: `cortex receipt verify` checks them offline.'),
  })
  .meta({ id: 'Receipt' })

export const JOB_EXAMPLE: JobView = {
  id: 'job_01k8m3q7w9x2v5n4c6b8d0f1g3',
  provider: 'p2p',
  assignedProvider: '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo',
  status: 'running',
  image: 'busybox:1.36',
  command: ['sh', '-c'],
  args: ['echo hello'],
  cpu: 1000,
  memory: '512Mi',
  storage: '1Gi',
  gpu: 0,
  duration: 3600,
  createdAt: '2026-01-31T12:00:00.000Z',
  scheduledAt: '2026-01-31T12:00:00.120Z',
  startedAt: '2026-01-31T12:00:00.350Z',
  endedAt: null,
  cost: { current: 0.0023, projected: 0.1, currency: 'USD' },
  config: { env: { DEBUG: 'true' }, ports: [{ port: 80, expose: true, protocol: 'TCP' }], volumes: [] },
  results: { exitCode: null, outputUrl: null },
  error: null,
  attempt: 1,
  maxAttempts: 3,
  endpoints: [],
  labels: { team: 'research' },
  origin: {},
}
