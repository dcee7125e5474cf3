import type { JobRecord, JobStore } from '../../node/store/index.ts'
import type { Pagination } from '../contract/envelope.ts'
import type { Answers } from '../events/index.ts'
import type { GatewayContext } from '../http/context.ts'
import { pick } from '../http/paging.ts'
import { type WaitingComponents, waitingJobView } from './view.ts'

/** What {@link answerJobs} works with. */
export interface AnswerJobsComponents extends WaitingComponents {
  store: Pick<JobStore, 'get'>
  answers: Answers
}

/** Answers a page of jobs, one after the other: a hundred of them may have a quarter of a megabyte each. */
export function answerJobs(
  c: GatewayContext,
  components: AnswerJobsComponents,
  page: { ids: string[]; pagination: Pagination },
  fields: string[] | undefined,
): Response {
  const { store, answers } = components
  const view = (job: JobRecord): unknown => pick(waitingJobView(job, components, fields), fields)
  const after = (): string => `,"meta":${JSON.stringify({ pagination: page.pagination })}}`
  return answers.list(c, viewsOf(store, page.ids, view), { before: '{"success":true,"data":', after })
}

async function* viewsOf(
  store: Pick<JobStore, 'get'>,
  ids: string[],
  view: (job: JobRecord) => unknown,
): AsyncGenerator<unknown> {
  for (const id of ids) {
    const job = await store.get(id)
    if (job !== undefined) yield view(job)
  }
}
