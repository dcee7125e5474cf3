import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import type { Batch, BatchRows } from '../../../client/index.ts'
import { client } from '../app/client.ts'

/** One row of a batch. */
export type BatchRow = BatchRows['rows'][number]

/** How often the rows of a batch that goes on are asked for again, in ms: of many there are hundreds of kilobytes. */
const ROWS_EVERY_MS = { few: 2_000, many: 10_000 }
/** From how many on there are many. */
const MANY = 1_000

/** One batch and how far it is; events of its jobs have it asked for again. */
export const batchQuery = (id: string) =>
  queryOptions({
    queryKey: ['batches', 'one', id],
    queryFn: async ({ signal }) => await client.batches.get(id, { signal }),
  })

/** What became of each row of a batch. */
export const rowsQuery = ({ id, total, endedAt }: Batch) =>
  queryOptions({
    // Once it has ended they are others a last time.
    queryKey: ['batch-rows', id, endedAt],
    queryFn: async ({ signal }) => (await client.batches.rows(id, { signal })).rows,
    refetchInterval: endedAt !== null ? false : total > MANY ? ROWS_EVERY_MS.many : ROWS_EVERY_MS.few,
    staleTime: endedAt === null ? 0 : Number.POSITIVE_INFINITY,
    placeholderData: keepPreviousData,
  })
