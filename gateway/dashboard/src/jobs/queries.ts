import { queryOptions, useQuery } from '@tanstack/react-query'
import { shownName } from '../../../contract/names.ts'
import { client } from '../app/client.ts'
import { useMay } from '../app/session.ts'

/** Where jobs are in the cache; events change them there. */
export const jobKeys = {
  lists: ['jobs', 'list'] as const,
  one: (id: string) => ['jobs', 'one', id] as const,
  bids: (id: string) => ['jobs', 'bids', id] as const,
  why: (id: string) => ['jobs', 'why', id] as const,
  waiting: ['jobs', 'waiting'] as const,
  receipts: (id: string) => ['jobs', 'receipts', id] as const,
  output: (id: string) => ['jobs', 'output', id] as const,
}

/** How often a running job with ports is asked for again, in ms. */
const ENDPOINTS_EVERY_MS = 5_000
/** The same of one that waits. */
const WAITING_EVERY_MS = 2_000

/** One job with its events, which the events of the gateway keep up to date once it was asked for. */
export const jobQuery = (id: string) =>
  queryOptions({
    queryKey: jobKeys.one(id),
    queryFn: async ({ signal }) => await client.jobs.get(id, { signal }),
    // How its ports do, and why it waits, changes without an event.
    refetchInterval: ({ state: { data } }) =>
      data?.status === 'pending' ? WAITING_EVERY_MS : data?.endpoints.length ? ENDPOINTS_EVERY_MS : false,
  })

/** Providers change little by little, without an event for each: they are asked for again this often, in ms. */
const PROVIDERS_EVERY_MS = 15_000

/** The providers that the gateway knows, at most a thousand. */
export const providersQuery = queryOptions({
  queryKey: ['providers', 'list'],
  queryFn: async ({ signal }) => {
    const all = []
    for await (const provider of client.providers.all({ limit: 100 }, { signal })) {
      all.push(provider)
      if (all.length === 1000) break
    }
    return all
  },
  staleTime: 10_000,
  refetchInterval: PROVIDERS_EVERY_MS,
})

/** All of them, where the key may see any: else they are not asked for. */
export function useProviders() {
  return useQuery({ ...providersQuery, enabled: useMay('providers:read') })
}

/** Names of providers by their ids. */
export function useProviderNames(): (id: string | null | undefined) => string {
  const { data } = useProviders()
  return (id) => {
    if (!id) return '–'
    const name = data?.find((provider) => provider.id === id)?.name
    return shownName(name ?? '', id)
  }
}
