import { z } from 'zod'
import type { JobQuery, JobRecord, JobStore } from '../../node/store/index.ts'
import { JOB_SORTS, type JobSort } from '../../node/store/indexes/fields.ts'
import { ANY_PROVIDER } from '../../protocol/job-spec.ts'
import { JOB_STATUSES } from '../../protocol/lifecycle.ts'
import type { Pagination } from '../envelope.ts'
import {
  decodeCursor,
  encodeCursor,
  fieldsField,
  listField,
  pagination,
  pagingFields,
  sortField,
  timeField,
} from '../paging.ts'
import { jobSchema } from './schemas.ts'

const LABEL_PREFIX = 'label.'

const label = z.string().max(128)

/** Query of the list of jobs. */
export const jobListQuery = z
  .object({
    status: listField(JOB_STATUSES),
    provider: z.string().max(128).optional().describe('A provider’s id (who holds the lease), or `p2p`.'),
    from: timeField.optional().describe('Created at or after.'),
    to: timeField.optional().describe('Created at or before.'),
    batch: z.string().max(64).optional().describe('Id of the batch it came from.'),
    q: z.string().min(1).max(200).optional().describe('Text in id, image, command, arguments or labels.'),
    sort: sortField(JOB_SORTS, 'createdAt:desc'),
    fields: fieldsField(jobSchema),
    ...pagingFields,
  })
  .catchall(label)
  .superRefine((query, context) => {
    for (const name of Object.keys(query)) {
      if (!Object.hasOwn(knownFields, name) && !name.startsWith(LABEL_PREFIX)) {
        context.addIssue({ code: 'unrecognized_keys', keys: [name], message: 'is not known', input: query })
      }
    }
  })
const knownFields = jobListQuery.shape

export type JobListQuery = z.output<typeof jobListQuery>

/** A page of the jobs that match, for an owner or, where undefined, for everyone. */
export async function listJobs(
  store: Pick<JobStore, 'list'>,
  owner: string | undefined,
  query: JobListQuery,
): Promise<{ jobs: JobRecord[]; pagination: Pagination }> {
  const { page, limit, sort, cursor } = query
  const start = cursor === undefined ? { offset: (page - 1) * limit } : { after: positionIn(cursor, sort.field) }
  const answer = await store.list({ ...filterOf(owner, query), ...start, sort: sort.field, order: sort.order, limit })
  const { jobs, total, isExact, hasMore, next } = answer
  const nextCursor = hasMore && next !== null ? encodeCursor({ sort: sort.field, after: next }) : null
  return { jobs, pagination: { ...pagination(total, query, nextCursor), ...(isExact ? {} : { atLeast: true }) } }
}

/** A cursor belongs to one order. */
function positionIn(cursor: string, sort: JobSort): string {
  return decodeCursor(cursor, z.strictObject({ sort: z.literal(sort), after: z.string().max(512) })).after
}

function filterOf(owner: string | undefined, query: JobListQuery): Omit<JobQuery, 'limit'> {
  const { status, provider, from, to, batch, q } = query
  const needle = q?.toLowerCase()
  const labels = Object.entries(query).filter(([name]) => name.startsWith(LABEL_PREFIX))
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(status === undefined ? {} : { statuses: [...new Set(status)] }),
    ...(provider === undefined ? {} : provider === ANY_PROVIDER ? { askedProvider: provider } : { provider }),
    ...(batch === undefined ? {} : { batch }),
    labels: Object.fromEntries(labels.map(([name, value]) => [name.slice(LABEL_PREFIX.length), String(value)])),
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { toMs: to }),
    ...(needle === undefined ? {} : { where: (job) => searchText(job).includes(needle) }),
  }
}

function searchText(job: JobRecord): string {
  const { image, command, args, labels } = job.spec
  return [job.id, image, ...command, ...args, ...Object.entries(labels).flat()].join('\n').toLowerCase()
}
