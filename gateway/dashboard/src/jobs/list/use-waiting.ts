import { useQuery } from '@tanstack/react-query'
import type { Waiting } from '../../../../client/index.ts'
import { client } from '../../app/client.ts'
import type { JobRow } from '../job-row.ts'
import { jobKeys } from '../queries.ts'

/** How often jobs that wait are asked for again, in ms: no event tells why they do. */
const EVERY_MS = 5_000
/** The newest of them: those that are in sight, mostly. */
const MOST = 100

/** Why jobs wait, by their ids; asked for while one of the rows does. */
export function useWaiting(rows: readonly JobRow[]): ReadonlyMap<string, Waiting> {
  const { data } = useQuery({
    queryKey: jobKeys.waiting,
    queryFn: async ({ signal }) => {
      const { items } = await client.jobs.list(
        { status: 'pending', fields: ['id', 'waiting'], limit: MOST },
        { signal },
      )
      return new Map(items.flatMap(({ id = '', waiting }) => (waiting === undefined ? [] : [[id, waiting] as const])))
    },
    enabled: rows.some(({ status }) => status === 'pending'),
    refetchInterval: EVERY_MS,
  })
  return data ?? NONE
}

const NONE: ReadonlyMap<string, Waiting> = new Map()
