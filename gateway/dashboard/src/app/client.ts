import { CortexClient } from '../../../client/index.ts'
import { watched } from './connection.ts'
import { pageStreams } from './page-streams.ts'

/** The gateway that served this page. The session cookie says who asks. */
export const client = new CortexClient({
  baseUrl: location.origin,
  retries: 2,
  fetch: watched(pageStreams.fetch),
  streams: { maxReconnects: Number.POSITIVE_INFINITY, maxReconnectDelayMs: 5_000, ready: pageStreams.ready },
})
