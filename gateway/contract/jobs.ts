import { z } from 'zod'
import { CONTAINER_HEALTHS } from '../../protocol/endpoints.ts'
import { JOB_EVENT_TYPES, JOB_STATUSES } from '../../protocol/lifecycle.ts'
import { gpuSchema } from './gpus.ts'
import { hiddenSchema } from './job-config.ts'
import { JOB_DEFAULTS } from './job-defaults.ts'
import { jobErrorSchema, remedySchema, waitingSchema } from './job-failures.ts'

const time = z.iso.datetime()
const usd = z.number().describe('US dollars.')

/** An entry in a job’s history; `seq` counts the job’s events from 1. */
export const jobEventSchema = z
  .looseObject({
    seq: z.number().int().min(1).describe('Counts the job’s events from 1.'),
    type: z.enum(JOB_EVENT_TYPES).describe('What happened.'),
    timestamp: time.describe('When, ISO 8601.'),
  })
  .meta({ id: 'JobEvent', description: 'Further fields depend on the type.' })

const costSchema = z
  .strictObject({
    current: usd.describe('Metered so far, all attempts.'),
    projected: usd.describe(
      'The most that it costs: for its whole duration and the grace after it; before it is placed, an estimate.',
    ),
    final: usd.optional().describe('Once it has ended.'),
    claimed: usd
      .optional()
      .describe(
        'What its provider claims instead, where that is more than this gateway’s own clock bears out: it is not signed, and not owed.',
      ),
    currency: z.literal('USD').describe('Of all amounts.'),
  })
  .meta({ id: 'JobCost', description: 'What a job costs, over all of its attempts.' })

const endpointSchema = z.strictObject({
  port: z.number().int().describe('On which the container listens.'),
  protocol: z.enum(['TCP', 'UDP']).describe('What it speaks there.'),
  url: z.string().describe('Below this gateway’s own address; for browsers ask for a link with POST …/links.'),
  health: z
    .enum(['answering', 'silent', 'unknown'])
    .describe('As its provider sees it: `silent` where no program listens yet, `unknown` where that cannot be told.'),
  address: z.string().nullable().describe('HOST:PORT for everybody; null where the port is not public.'),
})

const debugSchema = z
  .strictObject({
    attempt: z.number().int().describe('Counted from 1.'),
    fence: z.number().int().describe('The number of the lease: reports with an older one are not heard.'),
    lease: z.record(z.string(), z.unknown()).nullable().describe('The lease that it has; null where it has none.'),
    pastLeases: z.array(z.record(z.string(), z.unknown())).describe('Those of earlier attempts.'),
    excluded: z.array(z.string()).describe('Providers that are not asked again.'),
    logs: z
      .strictObject({
        lines: z.number().describe('How many are kept.'),
        bytes: z.number().describe('Of them.'),
        first: z.number().describe('The number of the first that is kept.'),
      })
      .describe('How much of the log there is.'),
  })
  .meta({ id: 'JobDebug' })

const resultsSchema = z
  .strictObject({
    exitCode: z.number().int().nullable().describe('Of its program; null where there is none.'),
    outputUrl: z.string().nullable().describe('Where what it left is fetched; null where nothing is kept.'),
    leftOut: z
      .array(
        z.strictObject({
          path: z.string().describe('Where it was.'),
          reason: z.string().describe('To be read behind the path.'),
        }),
      )
      .describe('What of the outputs was not kept, at most 65: links that lead out, devices, what was too large.'),
    sent: z
      .array(
        z.strictObject({
          name: z.string().describe('As people call it.'),
          path: z.string().describe('Where it was in the container.'),
          host: z.string().describe('Where it went, or was to go.'),
          bytes: z
            .number()
            .int()
            .describe('Of what was sent: a file as it is, a folder’s tar, or all objects of a prefix.'),
          sha256: z
            .string()
            .nullable()
            .describe('Of that, in hex; null where it was not sent, and of the objects of a prefix.'),
          objects: z.number().int().describe('How many objects it became in a bucket; 0 of a URL.'),
          problem: z.string().nullable().describe('Why it was not sent, and is kept instead; null where it was.'),
          reason: z
            .string()
            .nullable()
            .describe('The same for programs, a row of docs/failures.md; null where it was sent.'),
        }),
      )
      .optional()
      .describe('Outputs with `to`, once the job has ended; absent where it has none.'),
    logProblem: z
      .string()
      .optional()
      .describe('Why lines of the log may be missing, as where the engine was away; absent where none are.'),
    volumes: z
      .array(
        z.strictObject({
          id: z.string().describe('For `volumes: [{ volume }]` of another job.'),
          name: z.string().describe('As people call it.'),
          mountPath: z.string().describe('Where it was in the container.'),
          provider: z.string().describe('Where it lies.'),
        }),
      )
      .optional()
      .describe('Volumes that outlive the job, once it was given to a provider; absent where it has none.'),
  })
  .describe('What came of it.')

/** A job, as every answer shows it: alone, in lists and after a change. */
export const jobSchema = z
  .strictObject({
    id: z.string().describe('Of the job.'),
    name: z.string().nullable().describe('What its owner calls it; null where it has none.'),
    owner: z.string().describe('Whose it is: the owner of the key that it was submitted with.'),
    provider: z.string().describe('The network asked for, or one provider’s id.'),
    assignedProvider: z.string().nullable().describe('Who holds the lease.'),
    status: z.enum(JOB_STATUSES).describe('How far it is.'),
    image: z.string().describe('What runs.'),
    command: z.array(z.string()).describe('In place of the image’s entrypoint.'),
    args: z.array(z.string()).describe('Arguments to the entrypoint.'),
    cpu: z.number().int().describe('Millicores.'),
    memory: z.string().describe('With a unit, such as `512Mi`.'),
    storage: z.string().describe('With a unit, such as `1Gi`.'),
    gpu: z.number().int().describe('How many GPUs.'),
    duration: z.number().int().describe('Longest runtime in seconds, extensions included.'),
    createdAt: time.describe('When it was submitted.'),
    scheduledAt: time.nullable().describe('When a provider took it.'),
    startedAt: time.nullable().describe('When its container started.'),
    endedAt: time.nullable().describe('When it ended.'),
    cost: costSchema,
    config: z.record(z.string(), z.unknown()).describe('The rest of the submission, without secrets.'),
    results: resultsSchema,
    error: jobErrorSchema.nullable(),
    attempt: z.number().int().describe('Counted from 1.'),
    maxAttempts: z.number().int().describe('Attempts that it may have.'),
    endpoints: z.array(endpointSchema).describe('Its exposed ports, while it runs.'),
    health: z
      .enum(CONTAINER_HEALTHS)
      .nullable()
      .describe('What the image’s own health check says while the job runs; null where the image has none.'),
    labels: z.record(z.string(), z.string()).describe('By which it is found.'),
    origin: z
      .record(z.string(), z.string())
      .describe(
        'Where it came from: resubmittedFrom, batch, schedule, template, mcpKey (the key whose tools made it).',
      ),
    waiting: waitingSchema.optional().describe('While a provider is looked for, alone and in lists; not with events.'),
    hidden: hiddenSchema
      .optional()
      .describe(
        'What of the submission is not shown, with one job; null where it cannot be opened: the gateway had another master key.',
      ),
    events: z.array(jobEventSchema).optional().describe('With one job; not in lists.'),
    debug: debugSchema.optional().describe('With `?debug=true`.'),
  })
  .meta({ id: 'Job', description: 'A job, its configuration and how far it is.' })
/** A {@link jobSchema} as the gateway makes it. */
export type JobView = z.input<typeof jobSchema>

/** A piece of a container’s log, mostly a line: longer ones come in several, all but the last `partial`. */
export const logLineSchema = z
  .strictObject({
    timestamp: time.describe('When, ISO 8601.'),
    line: z.string().describe('Without its newline. Bytes that are no UTF-8 are U+FFFD here.'),
    stream: z.enum(['stdout', 'stderr']).describe('Which of the two it was written to.'),
    partial: z
      .literal(true)
      .optional()
      .describe('No newline comes behind it: it goes on in the next of its stream, or the output ended so.'),
    base64: z.base64().optional().describe('The line’s bytes; only where they are no UTF-8.'),
    attempt: z.int().min(2).optional().describe('Which attempt of the job wrote it; absent: the first.'),
  })
  .meta({ id: 'LogLine', description: 'A piece of what a container wrote, mostly a line.' })

const offered = {
  platform: z
    .string()
    .nullable()
    .describe('As what the image would run, such as `linux/amd64`; null where nobody said.'),
  emulated: z.boolean().describe('Whether its machine would do that by emulation, which is slow.'),
  isolation: z
    .string()
    .nullable()
    .describe('Which walls the job would have around it: `container`, `gvisor` or `vm`; null where nobody said.'),
  missingBytes: z
    .int()
    .min(0)
    .nullable()
    .describe('How many bytes of what the job brings, and of its image, are missing there; null where nobody said.'),
  waitSeconds: z
    .number()
    .min(0)
    .nullable()
    .describe(
      'How long the job is expected to wait for them there: by what such bytes have lately taken, and by what your jobs saw of the provider. Null where nothing has to come.',
    ),
}

/** What one provider said to a request for the job, and what came of it; a job has those of all its attempts. */
export const bidSchema = z
  .strictObject({
    attempt: z.number().int().describe('Counted from 1.'),
    provider: z.string().describe('Its peer id.'),
    name: z.string().describe('As people call it.'),
    timestamp: time.describe('When, ISO 8601.'),
    outcome: z.enum(['accepted', 'released', 'refused', 'silent', 'declined']).describe('What came of it.'),
    price: usd.nullable().describe('US dollars per hour; null for a decline.'),
    minimumCharge: usd.nullable().describe('US dollars that the job pays at least if it runs; null for a decline.'),
    pricePerGb: usd.nullable().describe('US dollars for each GB that the job sends or receives; null for a decline.'),
    volumePerGbHour: usd
      .nullable()
      .describe(
        'US dollars for each GB of the volumes that the job leaves and hour in which no job has them; null for a decline.',
      ),
    gpu: gpuSchema.nullable().describe('Which GPUs the job would have; null where it asks for none, or nobody said.'),
    ...offered,
    score: z.number().nullable().describe('Higher is better; null for a decline.'),
    reason: z.string().describe('Why, for people.'),
  })
  .meta({ id: 'Bid', description: 'What one provider said to a request for the job, and what came of it.' })

const point = z.strictObject({
  timestamp: time.describe('When the step began.'),
  value: z.number().describe('In the step.'),
})
/** What a job used over time: a point for each step of the resolution that has a sample, oldest first. */
export const metricsSchema = z
  .strictObject({
    cpu: z.array(point).describe('Millicores.'),
    memory: z.array(point).describe('Bytes.'),
    network: z
      .strictObject({ rx: z.array(point).describe('Received.'), tx: z.array(point).describe('Sent.') })
      .describe('Bytes since the container started.'),
    storage: z.array(point).describe('Bytes.'),
    gpu: z.array(point).describe('Thousandths of one GPU at full use, of all that it has; none where nothing tells.'),
    gpuMemory: z.array(point).describe('Bytes of VRAM.'),
  })
  .meta({
    id: 'JobMetrics',
    description: 'What a job used: a point for each step of the resolution that has a sample, oldest first.',
  })

const quoteSchema = z
  .strictObject({
    provider: z.string().describe('Its peer id.'),
    name: z.string().describe('As people call it.'),
    accepts: z.boolean().describe('Whether it would take the job.'),
    price: usd.nullable().describe('US dollars per hour; null where it declines.'),
    minimumCharge: usd.nullable().describe('US dollars that the job pays at least if it runs; null where it declines.'),
    pricePerGb: usd
      .nullable()
      .describe('US dollars for each GB that the job sends or receives; null where it declines.'),
    volumePerGbHour: usd
      .nullable()
      .describe(
        'US dollars for each GB of the volumes that the job leaves and hour in which no job has them; null where it declines.',
      ),
    cost: usd
      .nullable()
      .describe(
        'The most that it costs: for the whole duration, the grace after it and all traffic that the job may cause, the minimum charge included, and for the volumes that it leaves, until their `keep` is over.',
      ),
    gpu: gpuSchema.nullable().describe('Which GPUs the job would have.'),
    ...offered,
    score: z.number().nullable().describe('Higher is better; null for a decline.'),
    reason: z.string().describe('Why, for people.'),
  })
  .meta({ id: 'Quote', description: 'What one provider says to a job that nobody submits.' })

/** Answer of `POST /plugin-core/jobs?dryRun=true`: what each provider that is asked says to a job that nobody submits. */
export const dryRunSchema = z
  .strictObject({
    valid: z.literal(true).describe('It was checked, and nothing is wrong.'),
    accepted: z.boolean().describe('Whether anybody would take it now.'),
    quotes: z
      .array(quoteSchema)
      .describe(
        'Of everybody who was asked, those too that have not answered in time. In a larger network a dozen that fit are asked.',
      ),
    nearest: jobErrorSchema
      .nullable()
      .describe(
        'Who came nearest, and what was lacking, as the job would fail by it; null where somebody would take it.',
      ),
    helps: z
      .array(remedySchema)
      .describe(
        'Changes with which somebody would take it by what providers announce, each by itself; none where somebody would as it is.',
      ),
  })
  .meta({
    id: 'DryRun',
    description: 'What becomes of a job that is only checked: who would take it, and at what price.',
  })

const terms = {
  pricePerHour: usd.describe('US dollars for each hour that is paid.'),
  minimumCharge: usd.describe('US dollars that it costs at least, if it ran.'),
  pricePerGb: usd.describe('US dollars for each GB that the job sent or received.'),
  meteredSeconds: z.number().int().describe('Seconds that are paid.'),
  networkBytes: z.number().int().describe('What the job sent and received; 0 where it was not counted.'),
}

/** The cost of one lease: what both sides signed, and the same in plain fields. */
export const receiptSchema = z
  .strictObject({
    jobId: z.string().describe('Of the job.'),
    network: z.string().describe('On which market.'),
    attempt: z.number().int().describe('Counted from 1.'),
    provider: z.string().describe('Its peer id.'),
    requester: z.string().describe('Peer id of whoever asked.'),
    ...terms,
    cost: usd.describe('US dollars that this attempt cost.'),
    startedAt: time.nullable().describe('When its container started.'),
    endedAt: time.describe('When it ended.'),
    outcome: z.string().describe('What came of it.'),
    exitCode: z.number().int().nullable().describe('Of its program; null where there is none.'),
    signed: z
      .strictObject({
        provider: z.string().describe('The provider’s statement with its signature, as base64 of Protobuf.'),
        requester: z.string().describe('The same of whoever asked.'),
      })
      .describe('The statements that both sides signed, base64: `cortex receipt verify` checks them offline.'),
  })
  .meta({
    id: 'Receipt',
    description: 'What one attempt cost: the statement that both sides signed, and the same in plain fields.',
  })

/** What one attempt costs, and what both sides signed of it; see {@link receiptSchema}. */
export const attemptCostSchema = z
  .strictObject({
    attempt: z.number().int().describe('Counted from 1.'),
    provider: z.string().describe('Its peer id.'),
    outcome: z
      .enum(['lost', 'refused', 'failed', ...JOB_STATUSES])
      .describe('Why an earlier attempt was over; the status of the job for its last one.'),
    ...terms,
    cost: usd.describe('US dollars so far; the sum over all attempts is what the job costs.'),
    receipt: receiptSchema
      .nullable()
      .describe('Null while it runs, and where both sides did not sign, as where its provider was lost.'),
  })
  .meta({ id: 'AttemptCost', description: 'What one attempt costs, and what both sides signed of it.' })

/** A {@link jobSchema} for the API’s document: a job that runs. */
export const JOB_EXAMPLE: JobView = {
  id: 'job_01k8m3q7w9x2v5n4c6b8d0f1g3',
  name: 'hello',
  owner: 'ada',
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
  results: { exitCode: null, outputUrl: null, leftOut: [] },
  error: null,
  attempt: 1,
  maxAttempts: JOB_DEFAULTS.maxAttempts,
  endpoints: [],
  health: null,
  labels: { team: 'research' },
  origin: {},
}
