import { queryOptions } from '@tanstack/react-query'
import { client } from '../app/client.ts'

/** All templates that the key may see, page after page. */
export const templatesQuery = queryOptions({
  queryKey: ['templates', 'list'],
  queryFn: async ({ signal }) => await Array.fromAsync(client.templates.all({}, { signal })),
})

/** One template. */
export const templateQuery = (id: string) =>
  queryOptions({
    queryKey: ['templates', 'one', id],
    queryFn: async ({ signal }) => await client.templates.get(id, { signal }),
  })
