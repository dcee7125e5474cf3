/** What a relay gives to others. Each has a bound, so that strangers cannot use up the machine that runs it. */
export interface RelayLimits {
  /** Peers that hold a place at a time: each costs an open connection. Range 1..10_000. @default 256 */
  maxReservations: number
  /** Bytes that one relayed connection may carry, both directions together. @default 64 MiB */
  maxBytes: number
  /** How long one relayed connection may last, in ms. @default 30 minutes */
  maxDurationMs: number
  /** New relayed connections a minute, of all peers together: with `maxBytes` the most that flows. @default 120 */
  connectionsPerMinute: number
}

/** Of a relay whose owner says nothing else. */
export const DEFAULT_RELAY_LIMITS: Readonly<RelayLimits> = {
  maxReservations: 256,
  maxBytes: 64 * 2 ** 20,
  maxDurationMs: 30 * 60_000,
  connectionsPerMinute: 120,
}
