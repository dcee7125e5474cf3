import { queryOptions } from '@tanstack/react-query'
import { client } from '../app/client.ts'

/** How often the network as a whole is asked for again, in ms. */
const EVERY_MS = 15_000

/** The network that this gateway is on, and how to join it. */
export const networkQuery = queryOptions({
  queryKey: ['providers', 'network'],
  queryFn: async ({ signal }) => await client.networks.get('p2p', { signal }),
  refetchInterval: EVERY_MS,
})

/** Changes of a provider's status and prices, newest first. */
export const historyQuery = (id: string) =>
  queryOptions({
    queryKey: ['providers', 'history', id],
    queryFn: async ({ signal }) => await client.providers.history(id, { signal }),
  })

/** How much of each hour of the last 30 days a provider was there, in percent. */
export const uptimeQuery = (id: string) =>
  queryOptions({
    queryKey: ['provider-uptime', id],
    queryFn: async ({ signal }) => {
      const query = { period: '30d', resolution: '1h', metrics: ['uptime'] } as const
      return (await client.providers.metrics(id, query, { signal })).uptime ?? []
    },
    // It is looked at every five minutes.
    staleTime: 60_000,
  })
