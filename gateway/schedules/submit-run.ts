import type { Requester } from '../../node/market/index.ts'
import type { JobStore } from '../../node/store/index.ts'
import { isoTime } from '../../node/views/time.ts'
import type { JobSpec } from '../../protocol/job-spec.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { GatewayError } from '../http/errors.ts'
import { type ConfigVault, resolveProvider, type SubmitComponents } from '../jobs/index.ts'
import type { TemplateRecord } from '../templates/index.ts'
import type { ScheduleRecord } from './schedule-store.ts'

/** What {@link submitRun} works with. */
export interface RunComponents extends Omit<SubmitComponents, 'store' | 'uploads'> {
  requester: Requester
  store: Pick<JobStore, 'get' | 'list' | 'look'>
  vault: ConfigVault
  /** The template with this id, whoever’s it is. */
  templateOf(id: string): Promise<TemplateRecord | undefined>
}

/** Jobs of a schedule that have not ended. */
export async function activeJobs(store: Pick<JobStore, 'get'>, schedule: ScheduleRecord): Promise<string[]> {
  const jobs = await Promise.all(schedule.activeJobs.map(async (id) => await store.get(id)))
  return jobs.flatMap((job) => (job === undefined || isTerminal(job.state.status) ? [] : [job.id]))
}

/**
 * Submits the job of one run. The run's name is its idempotency key, so that a tick makes one job however often it is
 * tried; `search` looks further back than keys are remembered.
 * @param name tells runs apart, e.g. the tick's time
 */
export async function submitRun(
  components: RunComponents,
  schedule: ScheduleRecord,
  name: string,
  search: { fromMs: number } | null,
): Promise<string> {
  const origin = { schedule: schedule.id, tick: name }
  if (search !== null) {
    const { jobs } = await components.store.list({
      owner: schedule.owner,
      fromMs: search.fromMs,
      where: (job) => job.origin.schedule === schedule.id && job.origin.tick === name,
      limit: 1,
    })
    if (jobs[0] !== undefined) return jobs[0].id
  }
  const spec = resolveProvider(await specOf(components, schedule), schedule.owner, components)
  // A header cannot hold control characters, so no client's key is ever the same.
  const key = `\u0001${schedule.id}\u0001${name}`
  const { job } = await components.requester.submit({
    owner: schedule.owner,
    spec,
    origin,
    idempotency: { key, digest: key },
  })
  return job.id
}

/** @throws {GatewayError} where its template is gone @throws {ZodError} where it makes no valid job any more */
async function specOf({ vault, templateOf }: RunComponents, schedule: ScheduleRecord): Promise<JobSpec> {
  if (schedule.stored !== null) return vault.open(schedule.id, schedule.stored)
  const template = schedule.templateId === null ? undefined : await templateOf(schedule.templateId)
  if (template === undefined || template.owner !== schedule.owner) {
    throw new GatewayError('RESOURCE_NOT_FOUND', `Its template ${schedule.templateId} is gone: choose another`)
  }
  return vault.open(template.id, template)
}

/** A tick as a name of its run. @param timesSetBack tells apart what has the same time since the clock was set back */
export function tickName(tickMs: number, timesSetBack = 0): string {
  return timesSetBack === 0 ? isoTime(tickMs) : `${isoTime(tickMs)} (${timesSetBack + 1})`
}
