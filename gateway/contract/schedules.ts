import { z } from 'zod'
import { lineField } from '../../protocol/job-fields.ts'
import { assertTicks, CronError } from './cron.ts'
import { configSchema, shownConfigSchema } from './job-config.ts'
import { jobErrorSchema } from './job-failures.ts'
import { JOB_STATUSES } from './job-status.ts'
import { JOB_EXAMPLE } from './jobs.ts'
import { CONCURRENCY_POLICIES, RUN_OUTCOMES } from './schedule-words.ts'
import { zoneField } from './zone-field.ts'

const time = z.iso.datetime()

const runJobSchema = z
  .strictObject({
    status: z.enum(JOB_STATUSES).describe('How it is.'),
    startedAt: time.nullable().describe('When its container started; null until then.'),
    endedAt: time.nullable().describe('When it ended; null until then.'),
    error: jobErrorSchema.nullable().describe('Why it failed; null where it did not.'),
  })
  .meta({ id: 'RunJob', description: 'How the job of a run is, or ended.' })

/** A schedule: a job for each tick of a cron expression. Either `config` or `templateId` is null. */
export const scheduleSchema = z
  .strictObject({
    id: z.string().describe('Its id.'),
    name: z.string().describe('What people call it.'),
    schedule: z.string().describe('When it runs, as cron.'),
    timezone: z.string().describe('In which zone that is, by its IANA name.'),
    config: shownConfigSchema
      .nullable()
      .describe('Fields of a submission, without secrets and registry credentials; null where it has a template.'),
    templateId: z.string().nullable().describe('The template that it runs; null where it has a config.'),
    concurrencyPolicy: z.enum(CONCURRENCY_POLICIES).describe('What a tick does while a job of it runs.'),
    enabled: z.boolean().describe('Whether it runs; else it is paused.'),
    disabledReason: z
      .string()
      .nullable()
      .describe(
        'Why the gateway disabled it: the key behind it has ended. Null where it did not; whoever enables it, or changes it, stands behind it from then on.',
      ),
    catchUp: z.boolean().describe('Whether ticks missed while the gateway was down run once.'),
    nextRuns: z.array(time).describe('The next five ticks; none while it is paused.'),
    lastRuns: z
      .array(
        z.strictObject({
          tick: time.describe('When it was due.'),
          outcome: z.enum(RUN_OUTCOMES).describe('What became of it.'),
          jobId: z.string().nullable().describe('The job that it made; null where it made none.'),
          reason: z.string().describe('Why none; empty where there is one.'),
          job: runJobSchema.nullable().describe('How that job is; null where there is none, or it is forgotten.'),
        }),
      )
      .describe('Newest first, at most twenty.'),
    createdAt: time.describe('When it was made.'),
    updatedAt: time.describe('When it was changed last.'),
  })
  .meta({
    id: 'Schedule',
    description: 'A job for each tick of a cron expression, from a `config` of its own or a template.',
  })

const fields = {
  name: lineField(128).describe('What people call it.'),
  schedule: z
    .string()
    .max(256)
    .describe(
      'Cron: five fields, six with seconds in front, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.',
    ),
  timezone: zoneField.describe(
    'By its IANA name, in any case, or as people call it: a city, a country, `UTC+2`, `PST`. Daylight saving is kept.',
  ),
  config: configSchema,
  templateId: z.string().max(64).describe('The template that it runs, in place of a config.'),
  concurrencyPolicy: z
    .enum(CONCURRENCY_POLICIES)
    .describe('What a tick does while a job of the schedule runs: a second, nothing, or cancel it and begin anew.'),
  enabled: z.boolean().describe('Whether it runs; else it is paused.'),
  catchUp: z.boolean().describe('Whether ticks missed while the gateway was down run once.'),
}

/**
 * Body of `POST /plugin-core/jobs/schedules`: with either a `config` of its own or a `templateId`, and a `schedule`
 * that ticks.
 */
export const newScheduleSchema = z
  .strictObject({
    ...fields,
    timezone: fields.timezone
      .default('UTC')
      .describe('In which zone that is: an IANA name in any case, a city, a country, `UTC+2`, `PST`.'),
    config: fields.config.optional(),
    templateId: fields.templateId.optional(),
    concurrencyPolicy: fields.concurrencyPolicy
      .default(CONCURRENCY_POLICIES[0])
      .describe('What a tick does while a job of it runs.'),
    enabled: fields.enabled.default(true).describe('Whether it runs; else it is paused.'),
    catchUp: fields.catchUp.default(false).describe('Whether ticks missed while the gateway was down run once.'),
  })
  .superRefine((body, context) => {
    if ((body.config === undefined) === (body.templateId === undefined)) {
      context.addIssue({ code: 'custom', path: ['config'], message: 'give either config or templateId' })
    }
    checkCron(body.schedule, body.timezone, context)
  })
  .meta({ id: 'NewSchedule', description: 'Either with a `config` of its own or with a `templateId`.' })

/**
 * Body of `PUT /plugin-core/jobs/schedules/{id}`: what is absent stays; a `config` takes the place of a template, and
 * the other way round.
 */
export const scheduleChangesSchema = z
  .strictObject(fields)
  .partial()
  .superRefine((body, context) => {
    if (body.config !== undefined && body.templateId !== undefined) {
      context.addIssue({ code: 'custom', path: ['config'], message: 'give either config or templateId' })
    }
    checkCron(body.schedule ?? '@daily', body.timezone ?? 'UTC', context)
  })
  .meta({
    id: 'ScheduleChanges',
    description: 'What is absent stays; a `config` takes the place of a template, and the other way round.',
  })

function checkCron(schedule: string, timezone: string, context: z.RefinementCtx): void {
  try {
    assertTicks(schedule, timezone, Date.now())
  } catch (error) {
    if (!(error instanceof CronError)) throw error
    context.addIssue({ code: 'custom', path: [error.field], message: error.message })
  }
}

/** A {@link scheduleSchema} for the API’s document. */
export const SCHEDULE_EXAMPLE: z.input<typeof scheduleSchema> = {
  id: 'schedule_01k8m3q7w9x2v5n4c6b8d0f1g3',
  name: 'Nightly',
  schedule: '0 3 * * *',
  timezone: 'Europe/Berlin',
  config: { image: 'busybox:1.36', args: ['date'] },
  templateId: null,
  concurrencyPolicy: 'forbid',
  enabled: true,
  disabledReason: null,
  catchUp: false,
  nextRuns: ['2026-02-01T02:00:00.000Z'],
  lastRuns: [
    {
      ...{ tick: '2026-01-31T02:00:00.000Z', outcome: 'submitted', jobId: JOB_EXAMPLE.id, reason: '' },
      job: {
        ...{ status: 'completed', error: null },
        ...{ startedAt: '2026-01-31T02:00:01.000Z', endedAt: '2026-01-31T02:03:20.000Z' },
      },
    },
  ],
  createdAt: '2026-01-30T12:00:00.000Z',
  updatedAt: '2026-01-30T12:00:00.000Z',
}
