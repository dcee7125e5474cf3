import { type Command, Option } from 'commander'
import { DEFAULT_RELAY_LIMITS, type RelayLimits } from '../network/relay-limits.ts'
import { bytesWithin } from './docker-amounts.ts'
import { wholeNumber } from './options.ts'

/** The flags of a relay's limits, as commander gives them. */
export interface RelayOptions {
  /** Peers reached at a time, 1 to 10,000. */
  relayPlaces?: number
  /** Bytes of one relayed connection, 64 KiB to 1 TiB. */
  relayBytes?: number
  /** Minutes of one relayed connection, 1 to 1,440. */
  relayMinutes?: number
  /** New relayed connections a minute, of all peers, 1 to 60,000. */
  relayRate?: number
}

/** Adds the flags that bound what a relay gives to others. */
export function withRelayLimits(command: Command): Command {
  const { maxReservations, maxBytes, maxDurationMs, connectionsPerMinute } = DEFAULT_RELAY_LIMITS
  const option = (name: string, value: string, text: string, parse: (word: string) => number): Option =>
    new Option(`--relay-${name} <${value}>`, text).env(`CORTEX_RELAY_${name.toUpperCase()}`).argParser(parse)
  return command
    .addOption(
      option('places', 'number', `peers reached at a time (default: ${maxReservations})`, wholeNumber(1, 10_000)),
    )
    .addOption(
      option(
        'bytes',
        'size',
        `of one relayed connection (default: ${maxBytes / 2 ** 20}Mi)`,
        bytesWithin(2 ** 16, 2 ** 40),
      ),
    )
    .addOption(
      option(
        'minutes',
        'number',
        `of one relayed connection (default: ${maxDurationMs / 60_000})`,
        wholeNumber(1, 1440),
      ),
    )
    .addOption(
      option('rate', 'number', `new ones a minute, of all (default: ${connectionsPerMinute})`, wholeNumber(1, 60_000)),
    )
}

/** The limits in the units of a relay: minutes become ms, and what no flag says has its default. */
export function relayLimits(options: RelayOptions): RelayLimits {
  const { relayPlaces, relayBytes, relayMinutes, relayRate } = options
  return {
    maxReservations: relayPlaces ?? DEFAULT_RELAY_LIMITS.maxReservations,
    maxBytes: relayBytes ?? DEFAULT_RELAY_LIMITS.maxBytes,
    maxDurationMs: relayMinutes === undefined ? DEFAULT_RELAY_LIMITS.maxDurationMs : relayMinutes * 60_000,
    connectionsPerMinute: relayRate ?? DEFAULT_RELAY_LIMITS.connectionsPerMinute,
  }
}
