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
