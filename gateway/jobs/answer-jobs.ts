import type { Directory } from '../../node/directory/index.ts'
import type { JobRecord, JobStore } from '../../node/store/index.ts'
import type { Pagination } from '../contract/envelope.ts'
import type { Answers } from '../events/index.ts'
import type { GatewayContext } from '../http/context.ts'
import { pick } from '../http/paging.ts'
import { jobView } from './view.ts'

/** What {@link answerJobs} works with. */
export interface AnswerJobsComponents {
  store: Pick<JobStore, 'get'>
  directory: Pick<Directory, 'list'>
  answers: Answers
}

/** Answers a page of jobs, one after the other: a hundred of them may have a quarter of a megabyte each. */
export function answerJobs(
  c: GatewayContext,
  { store, directory, answers }: AnswerJobsComponents,
  page: { ids: string[]; pagination: Pagination },
  fields: string[] | undefined,
): Response {
  const view = (job: JobRecord): unknown => pick(jobView(job, directory), fields)
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
