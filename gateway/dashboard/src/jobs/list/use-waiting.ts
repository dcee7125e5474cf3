import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { JobQuery, Waiting } from '../../../../client/index.ts'
import { client } from '../../app/client.ts'
import type { JobRow } from '../job-row.ts'
import { jobKeys } from '../queries.ts'
import { type JobFilter, queryOf } from './filter.ts'

/** How often jobs that wait are asked for again, in ms: no event tells why they do. */
const EVERY_MS = 5_000
/** How long rows are in sight before it is asked why they wait, in ms. */
const SETTLED_MS = 300
/** Jobs looked through for those in sight, which follow each other in most orders. */
const MOST = 500

/** Why jobs wait, by their ids; asked for those that are in sight and do. */
export function useWaiting(inSight: readonly JobRow[], filter: JobFilter): ReadonlyMap<string, Waiting> {
  const waiting = inSight.filter(({ status }) => status === 'pending').toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const [from, to] = [waiting[0]?.createdAt, waiting.at(-1)?.createdAt]
  const [asked] = useDebouncedValue(JSON.stringify({ ids: waiting.map(({ id }) => id), from, to }), SETTLED_MS)
  const { ids } = JSON.parse(asked) as { ids: string[] }
  const { data } = useQuery({
    queryKey: [...jobKeys.waiting, filter, asked],
    queryFn: async ({ signal }) => await reasonsOf(JSON.parse(asked), queryOf(filter), signal),
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
    refetchInterval: EVERY_MS,
  })
  return data ?? NONE
}

const NONE: ReadonlyMap<string, Waiting> = new Map()

async function reasonsOf(
  { ids, ...created }: { ids: string[]; from: string; to: string },
  query: JobQuery,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Waiting>> {
  const wanted = new Set(ids)
  const found = new Map<string, Waiting>()
  const asked = { ...query, ...created, status: 'pending', fields: ['id', 'waiting'], limit: 100 } as const
  let looked = 0
  for await (const { id = '', waiting } of client.jobs.all(asked, { signal })) {
    if (wanted.delete(id) && waiting !== undefined) found.set(id, waiting)
    looked += 1
    if (wanted.size === 0 || looked === MOST) break
  }
  return found
}
