import { z } from 'zod'
import { messageSchema } from '../contract/envelope.ts'
import { JOB_EXAMPLE, jobSchema } from '../contract/jobs.ts'
import { pagingFields } from '../contract/list-fields.ts'
import { newScheduleSchema, SCHEDULE_EXAMPLE, scheduleChangesSchema, scheduleSchema } from '../contract/schedules.ts'
import { listOperation, operation } from '../http/operation.ts'

const BASE = '/plugin-core/jobs/schedules'
const tag = 'Schedules'
const params = z.strictObject({
  id: z
    .string()
    .max(64)
    .describe('Which schedule.')
    .meta({ examples: [SCHEDULE_EXAMPLE.id] }),
})
const one = { tag, request: { params }, data: scheduleSchema, example: SCHEDULE_EXAMPLE } as const
const NOT_FOUND = ['RESOURCE_NOT_FOUND' as const]

/** `GET /plugin-core/jobs/schedules` */
export const listSchedules = listOperation({
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
/** `POST /plugin-core/jobs/schedules` */
export const createSchedule = operation({
  method: 'post',
  path: BASE,
  operationId: 'createSchedule',
  tag,
  summary: 'Run a job on a schedule',
  description: 'One job per tick, also over crashes and restarts. `templateId` needs `templates:read`, too.',
  permission: 'jobs:write',
  request: {
    body: {
      required: true,
      description: 'When, and what.',
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
  errors: ['RESOURCE_NOT_FOUND', 'LIMIT_REACHED'],
})
/** `GET /plugin-core/jobs/schedules/{id}` */
export const getSchedule = operation({
  ...one,
  method: 'get',
  path: `${BASE}/{id}`,
  operationId: 'getSchedule',
  summary: 'Get a schedule with its next and last runs',
  permission: 'jobs:read',
  errors: NOT_FOUND,
})
/** `PUT /plugin-core/jobs/schedules/{id}` */
export const updateSchedule = operation({
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
      description: 'What is to be changed.',
      content: { 'application/json': { schema: scheduleChangesSchema, example: { schedule: '@hourly' } } },
    },
  },
  errors: NOT_FOUND,
})
/** `DELETE /plugin-core/jobs/schedules/{id}` */
export const deleteSchedule = operation({
  method: 'delete',
  path: `${BASE}/{id}`,
  operationId: 'deleteSchedule',
  tag,
  summary: 'Delete a schedule; its jobs go on',
  permission: 'jobs:write',
  request: { params },
  data: messageSchema,
  example: { message: 'Schedule successfully deleted' },
  errors: NOT_FOUND,
})
/**
 * `POST /plugin-core/jobs/schedules/{id}/run`: JOB_STATE_CONFLICT where its policy is `forbid` and a job of it runs.
 */
export const runSchedule = operation({
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
/** `POST /plugin-core/jobs/schedules/{id}/pause`: no tick of it runs until it is resumed. */
export const pauseSchedule = operation({
  ...one,
  method: 'post',
  path: `${BASE}/{id}/pause`,
  operationId: 'pauseSchedule',
  summary: 'Pause a schedule',
  permission: 'jobs:write',
  errors: NOT_FOUND,
})
/** `POST /plugin-core/jobs/schedules/{id}/resume` */
export const resumeSchedule = operation({
  ...one,
  method: 'post',
  path: `${BASE}/{id}/resume`,
  operationId: 'resumeSchedule',
  summary: 'Resume a schedule; ticks while it was paused are passed over',
  permission: 'jobs:write',
  errors: NOT_FOUND,
})
