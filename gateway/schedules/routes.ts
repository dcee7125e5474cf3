import type { OpenAPIHono } from '@hono/zod-openapi'
import { z } from 'zod'
import { type GatewayContext, type GatewayEnv, principalOf } from '../context.ts'
import { page, success } from '../envelope.ts'
import { GatewayError } from '../errors.ts'
import { newId } from '../ids.ts'
import { JOB_EXAMPLE, jobSchema } from '../jobs/schemas.ts'
import { jobView } from '../jobs/view.ts'
import { listOperation, operation } from '../operation.ts'
import { pageOf, pagingFields } from '../paging.ts'
import type { GatewayParts } from '../parts.ts'
import { isoTime } from '../time.ts'
import { readCron } from './cron.ts'
import { type ScheduleRecord, withRun } from './schedule-store.ts'
import { newScheduleSchema, SCHEDULE_EXAMPLE, scheduleChangesSchema, scheduleSchema } from './schemas.ts'
import { activeJobs, submitRun } from './submit-run.ts'

const PREVIEW = 5
const BASE = '/plugin-core/jobs/schedules'
const tag = 'Schedules'
const params = z.strictObject({
  id: z
    .string()
    .max(64)
    .meta({ examples: [SCHEDULE_EXAMPLE.id] }),
})
const one = { tag, request: { params }, data: scheduleSchema, example: SCHEDULE_EXAMPLE } as const
const NOT_FOUND = ['RESOURCE_NOT_FOUND' as const]

const listSchedules = listOperation({
  method: 'get',
  path: BASE,
  operationId: 'listSchedules',
  tag,
  summary: 'List schedules',
  permission: 'jobs:read',
  request: { query: z.strictObject(pagingFields) },
  data: scheduleSchema,
  example: SCHEDULE_EXAMPLE,
})
const createSchedule = operation({
  method: 'post',
  path: BASE,
  operationId: 'createSchedule',
  tag,
  summary: 'Run a job on a schedule',
  description: 'One job per tick, also over crashes and restarts.',
  permission: 'jobs:write',
  request: {
    body: {
      required: true,
      content: {
        'application/json': {
          schema: newScheduleSchema,
          example: { name: 'Nightly', schedule: '0 3 * * *', timezone: 'Europe/Berlin', config: { image: 'busybox' } },
        },
      },
    },
  },
  data: scheduleSchema,
  status: 201,
  example: SCHEDULE_EXAMPLE,
  errors: NOT_FOUND,
})
const getSchedule = operation({
  ...one,
  method: 'get',
  path: `${BASE}/{id}`,
  operationId: 'getSchedule',
  summary: 'Get a schedule with its next and last runs',
  permission: 'jobs:read',
  errors: NOT_FOUND,
})
const updateSchedule = operation({
  ...one,
  method: 'put',
  path: `${BASE}/{id}`,
  operationId: 'updateSchedule',
  summary: 'Change a schedule',
  permission: 'jobs:write',
  request: {
    params,
    body: {
      required: true,
      content: { 'application/json': { schema: scheduleChangesSchema, example: { schedule: '@hourly' } } },
    },
  },
  errors: NOT_FOUND,
})
const deleteSchedule = operation({
  method: 'delete',
  path: `${BASE}/{id}`,
  operationId: 'deleteSchedule',
  tag,
  summary: 'Delete a schedule; its jobs go on',
  permission: 'jobs:write',
  request: { params },
  data: z.strictObject({ message: z.string() }),
  example: { message: 'Schedule successfully deleted' },
  errors: NOT_FOUND,
})
const runSchedule = operation({
  method: 'post',
  path: `${BASE}/{id}/run`,
  operationId: 'runSchedule',
  tag,
  summary: 'Run it now, besides its ticks',
  permission: 'jobs:write',
  request: { params },
  data: jobSchema,
  status: 201,
  example: { ...JOB_EXAMPLE, origin: { schedule: SCHEDULE_EXAMPLE.id } },
  errors: ['RESOURCE_NOT_FOUND', 'JOB_STATE_CONFLICT', 'PROVIDER_UNAVAILABLE'],
})
const pauseSchedule = operation({
  ...one,
  method: 'post',
  path: `${BASE}/{id}/pause`,
  operationId: 'pauseSchedule',
  summary: 'Pause a schedule',
  permission: 'jobs:write',
  errors: NOT_FOUND,
})
const resumeSchedule = operation({
  ...one,
  method: 'post',
  path: `${BASE}/{id}/resume`,
  operationId: 'resumeSchedule',
  summary: 'Resume a schedule; ticks while it was paused are passed over',
  permission: 'jobs:write',
  errors: NOT_FOUND,
})

export function addScheduleRoutes(api: OpenAPIHono<GatewayEnv>, parts: GatewayParts): void {
  const { node, records, vault, clock, providerAliases, schedules, scheduler } = parts
  const { directory, requester, store } = node
  const running = { requester, directory, store, vault, records, providerAliases }

  async function visible(c: GatewayContext, id: string): Promise<ScheduleRecord> {
    const schedule = await schedules.visible(principalOf(c), id)
    if (schedule !== undefined) return schedule
    throw new GatewayError('RESOURCE_NOT_FOUND', `There is no schedule ${id}`)
  }

  async function update(id: string, change: (schedule: ScheduleRecord) => Partial<ScheduleRecord>) {
    const changed = await schedules.update(id, (schedule) => ({ ...change(schedule), updatedAtMs: clock.nowMs() }))
    scheduler.wake()
    if (changed !== undefined) return view(changed)
    throw new GatewayError('RESOURCE_NOT_FOUND', `There is no schedule ${id}`)
  }

  async function assertTemplate(c: GatewayContext, id: string | undefined): Promise<void> {
    if (id === undefined) return
    const template = await records.templates.get(id)
    if (template === undefined || template.owner !== principalOf(c).owner) {
      throw new GatewayError('RESOURCE_NOT_FOUND', `There is no template ${id} of yours`)
    }
  }

  function view(schedule: ScheduleRecord): z.input<typeof scheduleSchema> {
    const { stored, createdAtMs, updatedAtMs, lastRuns, enabled, ...rest } = schedule
    const ticks = readCron(schedule.schedule, schedule.timezone)
    return {
      id: rest.id,
      name: rest.name,
      schedule: rest.schedule,
      timezone: rest.timezone,
      config: stored?.config ?? null,
      templateId: rest.templateId,
      concurrencyPolicy: rest.concurrencyPolicy,
      enabled,
      catchUp: rest.catchUp,
      nextRuns: enabled ? ticks.preview(clock.nowMs(), PREVIEW).map(isoTime) : [],
      lastRuns: lastRuns.map(({ tickMs, ...run }) => ({ ...run, tick: isoTime(tickMs) })),
      createdAt: isoTime(createdAtMs),
      updatedAt: isoTime(updatedAtMs),
    }
  }

  api.openapi(listSchedules, async (c) => {
    const { items, pagination } = pageOf(await schedules.list(principalOf(c)), c.req.valid('query'))
    return c.json(page(items.map(view), pagination), 200)
  })

  api.openapi(createSchedule, async (c) => {
    const { config, templateId, ...fields } = c.req.valid('json')
    await assertTemplate(c, templateId)
    const nowMs = clock.nowMs()
    const id = newId('schedule', nowMs)
    const stored = config === undefined ? null : vault.seal(id, config)
    if (stored !== null) vault.open(id, stored)
    const schedule: ScheduleRecord = {
      id,
      owner: principalOf(c).owner,
      ...fields,
      stored,
      templateId: templateId ?? null,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      handledMs: nowMs,
      submittingMs: null,
      lastRuns: [],
      activeJobs: [],
    }
    await schedules.put(schedule)
    scheduler.wake()
    return c.json(success(view(schedule)), 201)
  })

  api.openapi(getSchedule, async (c) => c.json(success(view(await visible(c, c.req.valid('param').id))), 200))

  api.openapi(updateSchedule, async (c) => {
    const { id } = await visible(c, c.req.valid('param').id)
    const { config, templateId, ...changes } = c.req.valid('json')
    await assertTemplate(c, templateId)
    const changed = await update(id, (schedule) => {
      const rhythm = changes.schedule !== undefined || changes.timezone !== undefined || changes.enabled === true
      const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
      return {
        ...(given as Partial<ScheduleRecord>),
        ...(rhythm ? { handledMs: clock.nowMs() } : {}),
        ...(config === undefined ? {} : resealed(schedule, config)),
        ...(templateId === undefined ? {} : { templateId, stored: null }),
      }
    })
    return c.json(success(changed), 200)
  })

  function resealed(schedule: ScheduleRecord, config: Parameters<typeof vault.seal>[1]) {
    const stored = vault.reseal(schedule.id, config, schedule.stored ?? { config: {} })
    vault.open(schedule.id, stored)
    return { stored, templateId: null }
  }

  api.openapi(deleteSchedule, async (c) => {
    const { id } = await visible(c, c.req.valid('param').id)
    await schedules.del(id)
    return c.json(success({ message: 'Schedule successfully deleted' }), 200)
  })

  api.openapi(runSchedule, async (c) => {
    const schedule = await visible(c, c.req.valid('param').id)
    const active = await activeJobs(store, schedule)
    if (active.length > 0 && schedule.concurrencyPolicy === 'forbid') {
      throw new GatewayError('JOB_STATE_CONFLICT', `Its job ${active[0]} has not ended, and the policy is forbid`)
    }
    const jobId = await submitRun(running, schedule, `run ${c.var.requestId} ${clock.nowMs()}`, null)
    const run = { tickMs: clock.nowMs(), outcome: 'submitted' as const, jobId, reason: 'asked for' }
    await schedules.update(schedule.id, (now) => withRun(now, run))
    if (schedule.concurrencyPolicy === 'replace') for (const id of active) await requester.cancel(id)
    const job = await store.get(jobId)
    if (job === undefined) throw new Error(`The job ${jobId} vanished`)
    return c.json(success(jobView(job, directory)), 201)
  })

  api.openapi(pauseSchedule, async (c) => {
    const { id } = await visible(c, c.req.valid('param').id)
    return c.json(success(await update(id, () => ({ enabled: false }))), 200)
  })

  api.openapi(resumeSchedule, async (c) => {
    const { id } = await visible(c, c.req.valid('param').id)
    return c.json(success(await update(id, () => ({ enabled: true, handledMs: clock.nowMs() }))), 200)
  })
}
