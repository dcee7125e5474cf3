import type { JobRecord, JobStore } from '../../node/store/index.ts'
import type { Pagination } from '../contract/envelope.ts'
import type { JobListItem, JobListQuery } from '../contract/job-list.ts'
import type { Answers } from '../events/index.ts'
import type { GatewayContext } from '../http/context.ts'
import { pick } from '../http/paging.ts'
import { type WaitingComponents, waitingJobView } from './view.ts'

/** What {@link answerJobs} works with. */
export interface AnswerJobsComponents extends WaitingComponents {
  store: Pick<JobStore, 'get'>
  answers: Answers
  /** The batch of this id, as the API shows it; undefined where there is none, or not yet. */
  batchView(id: string): Promise<JobListItem['batch']>
}

/** Answers a page of jobs, one after the other: a hundred of them may have a quarter of a megabyte each. */
export function answerJobs(
  c: GatewayContext,
  components: AnswerJobsComponents,
  page: { ids: string[]; pagination: Pagination },
  { fields, fold }: Pick<JobListQuery, 'fields' | 'fold'>,
): Response {
  const { store, answers, batchView } = components
  async function view(job: JobRecord): Promise<unknown> {
    const { batch: id } = job.origin
    const batch = fold && id !== undefined && (fields?.includes('batch') ?? true) ? await batchView(id) : undefined
    const item: JobListItem = { ...waitingJobView(job, components, fields), ...(batch && { batch }) }
    return pick(item, fields)
  }
  const after = (): string => `,"meta":${JSON.stringify({ pagination: page.pagination })}}`
  return answers.list(c, viewsOf(store, page.ids, view), { before: '{"success":true,"data":', after })
}

async function* viewsOf(
  store: Pick<JobStore, 'get'>,
  ids: string[],
  view: (job: JobRecord) => Promise<unknown>,
): AsyncGenerator<unknown> {
  for (const id of ids) {
    const job = await store.get(id)
    if (job !== undefined) yield await view(job)
  }
}
