import type { WebSocket } from 'ws'

/** Pause between two pings, in ms: what stands between drops a connection that is silent for a minute. */
const PING_MS = 30_000

/** Pings the client of a socket again and again, until it is gone. */
export function keepPinging(client: WebSocket, everyMs: number = PING_MS): void {
  const timer = setInterval(() => client.ping(), everyMs)
  client.once('close', () => clearInterval(timer))
}
