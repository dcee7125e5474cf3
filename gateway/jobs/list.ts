import { z } from 'zod'
import type { JobQuery, JobSort, JobStore } from '../../node/store/index.ts'
import { ANY_PROVIDER } from '../../protocol/job-defaults.ts'
import type { Pagination } from '../contract/envelope.ts'
import { jobText, NO_BATCH } from '../contract/job-filter.ts'
import { type JobListQuery, LABEL_PREFIX, MAX_SEARCHED } from '../contract/job-list.ts'
import { decodeCursor, encodeCursor, pagination, passedOver } from '../http/paging.ts'
import { isAdmin, type Principal } from '../http/principal.ts'

/** A page of the jobs that match and that somebody may see, by their ids. */
export async function listJobs(
  store: Pick<JobStore, 'listIds'>,
  principal: Principal,
  query: JobListQuery,
): Promise<{ ids: string[]; pagination: Pagination }> {
  const seesOthers = isAdmin(principal) && query.name === undefined
  if (query.owner !== undefined && query.owner !== principal.owner && !seesOthers) {
    return { ids: [], pagination: pagination(0, query, null) }
  }
  const owner = seesOthers ? query.owner : principal.owner
  const { limit, sort, cursor } = query
  const start = cursor === undefined ? { offset: passedOver(query) } : { after: positionIn(cursor, sort.field) }
  const answer = await store.listIds({
    ...filterOf(owner, query),
    ...start,
    sort: sort.field,
    order: sort.order,
    limit,
    fold: query.fold,
    lookAt: MAX_SEARCHED,
  })
  const { ids, total, isExact, hasMore, next, searched } = answer
  const nextCursor = hasMore && next !== null ? encodeCursor({ sort: sort.field, after: next }) : null
  return {
    ids,
    pagination: {
      ...pagination(total, query, nextCursor),
      ...(isExact ? {} : { atLeast: true }),
      ...(searched === null ? {} : { searched }),
    },
  }
}

/** A cursor belongs to one order. */
function positionIn(cursor: string, sort: JobSort): string {
  return decodeCursor(cursor, z.strictObject({ sort: z.literal(sort), after: z.string().max(512) })).after
}

function filterOf(owner: string | undefined, query: JobListQuery): Omit<JobQuery, 'limit'> {
  const { status, name, provider, from, to, batch, q } = query
  const isAlone = batch === NO_BATCH
  const needle = q?.toLowerCase()
  const labels = Object.entries(query).filter(([name]) => name.startsWith(LABEL_PREFIX))
  return {
    ...(owner === undefined ? {} : { owner }),
    ...(status === undefined ? {} : { statuses: [...new Set(status)] }),
    ...(provider === undefined ? {} : provider === ANY_PROVIDER ? { askedProvider: provider } : { provider }),
    ...(batch === undefined || isAlone ? {} : { batch }),
    labels: Object.fromEntries(labels.map(([name, value]) => [name.slice(LABEL_PREFIX.length), String(value)])),
    ...(from === undefined ? {} : { fromMs: from }),
    ...(to === undefined ? {} : { toMs: to }),
    ...(needle === undefined && name === undefined && !isAlone
      ? {}
      : {
          where: ({ id, spec, origin }) =>
            (!isAlone || origin.batch === undefined) &&
            (name === undefined || spec.name === name) &&
            (needle === undefined || jobText({ id, ...spec }).includes(needle)),
        }),
  }
}
