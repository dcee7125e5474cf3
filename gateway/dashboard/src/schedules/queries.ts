import { queryOptions } from '@tanstack/react-query'
import { client } from '../app/client.ts'

/** All schedules that the key may see, page after page. */
export const schedulesQuery = queryOptions({
  queryKey: ['schedules', 'list'],
  queryFn: async ({ signal }) => await Array.fromAsync(client.schedules.all({}, { signal })),
})

/** One schedule with its next and last runs. */
export const scheduleQuery = (id: string) =>
  queryOptions({
    queryKey: ['schedules', 'one', id],
    queryFn: async ({ signal }) => await client.schedules.get(id, { signal }),
  })
