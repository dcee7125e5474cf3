import type { Clock } from '../../node/clock.ts'
import type { JobRecord } from '../../node/store/index.ts'
import { breathe } from '../../node/turns.ts'
import { page, success } from '../contract/envelope.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { jobView } from '../jobs/index.ts'
import { createEditing, type EditingComponents, noSchedule } from './editing.ts'
import {
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  pauseSchedule,
  resumeSchedule,
  runSchedule,
  updateSchedule,
} from './operations.ts'
import { type ScheduleRecord, withRun } from './schedule-store.ts'
import { activeJobs, type RunComponents, submitRun } from './submit-run.ts'
import { type RunJob, runJobView, type ScheduleView, scheduleView } from './view.ts'

/** What {@link addScheduleRoutes} works with. */
export interface ScheduleComponents extends RunComponents, EditingComponents {
  clock: Clock
}

/** Schedules, their pauses, and runs besides their ticks. */
export function addScheduleRoutes(api: Api, components: ScheduleComponents): void {
  const { directory, clock, schedules, store } = components
  const editing = createEditing(components)

  async function view(schedule: ScheduleRecord): Promise<ScheduleView> {
    const jobs = new Map<string, RunJob>()
    const ids = schedule.lastRuns.flatMap(({ jobId }) => jobId ?? [])
    await store.look(ids, (job) => jobs.set(job.id, runJobView(job)))
    return scheduleView(schedule, clock.nowMs(), jobs)
  }

  async function visible(c: GatewayContext, id: string): Promise<ScheduleRecord> {
    const schedule = await schedules.visible(principalOf(c), id)
    if (schedule === undefined) throw noSchedule(id)
    return schedule
  }

  api.openapi(listSchedules, async (c) => {
    const { items, pagination } = await schedules.page(principalOf(c), c.req.valid('query'))
    const views = []
    for (const schedule of items) {
      await breathe() // the next runs of each take a moment
      views.push(await view(schedule))
    }
    return c.json(page(views, pagination), 200)
  })

  api.openapi(createSchedule, async (c) =>
    c.json(success(await view(await editing.add(principalOf(c), c.req.valid('json')))), 201),
  )

  api.openapi(getSchedule, async (c) => c.json(success(await view(await visible(c, c.req.valid('param').id))), 200))

  api.openapi(updateSchedule, async (c) => {
    const { id } = await visible(c, c.req.valid('param').id)
    return c.json(success(await view(await editing.change(principalOf(c), id, c.req.valid('json')))), 200)
  })

  api.openapi(deleteSchedule, async (c) => {
    const { id } = await visible(c, c.req.valid('param').id)
    await schedules.del(id)
    return c.json(success({ message: 'Schedule successfully deleted' }), 200)
  })

  api.openapi(runSchedule, async (c) => {
    const schedule = await visible(c, c.req.valid('param').id)
    const job = await runNow(components, schedule, `run ${c.var.requestId} ${clock.nowMs()}`)
    return c.json(success(jobView(job, directory)), 201)
  })

  api.openapi(pauseSchedule, async (c) => {
    const { id } = await visible(c, c.req.valid('param').id)
    return c.json(success(await view(await editing.setEnabled(principalOf(c), id, false))), 200)
  })

  api.openapi(resumeSchedule, async (c) => {
    const { id } = await visible(c, c.req.valid('param').id)
    return c.json(success(await view(await editing.setEnabled(principalOf(c), id, true))), 200)
  })
}

/** Runs a schedule besides its ticks, as its policy allows. */
async function runNow(components: ScheduleComponents, schedule: ScheduleRecord, name: string): Promise<JobRecord> {
  const { requester, store, clock, schedules } = components
  const active = await activeJobs(store, schedule)
  if (active.length > 0 && schedule.concurrencyPolicy === 'forbid') {
    throw new GatewayError('JOB_STATE_CONFLICT', `Its job ${active[0]} has not ended, and the policy is forbid`)
  }
  const jobId = await submitRun(components, schedule, name, null)
  const run = { tickMs: clock.nowMs(), outcome: 'submitted' as const, jobId, reason: 'asked for' }
  await schedules.update(schedule.id, (now) => withRun(now, run))
  if (schedule.concurrencyPolicy === 'replace') for (const id of active) await requester.cancel(id)
  const job = await store.get(jobId)
  if (job === undefined) throw new Error(`The job ${jobId} vanished`)
  return job
}
