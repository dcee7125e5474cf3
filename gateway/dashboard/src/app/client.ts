import { CortexClient } from '../../../client/index.ts'

/** The gateway that served this page. The session cookie says who asks. */
export const client = new CortexClient({
  baseUrl: location.origin,
  retries: 2,
  streams: { maxReconnects: Number.POSITIVE_INFINITY, maxReconnectDelayMs: 5_000 },
})
