import { queryOptions } from '@tanstack/react-query'
import { client } from '../app/client.ts'

/** Where volumes are in the cache. */
export const volumeKeys = {
  all: ['volumes'] as const,
  kept: ['volumes', 'kept'] as const,
  one: (id: string) => ['volumes', 'one', id] as const,
  files: (id: string) => ['volumes', 'files', id] as const,
  receipts: (id: string) => ['volumes', 'receipts', id] as const,
}

/** The newest hundred that can be used. */
export const keptVolumes = queryOptions({
  queryKey: volumeKeys.kept,
  queryFn: async ({ signal }) => (await client.volumes.list({ status: 'kept', limit: 100 }, { signal })).items,
})
