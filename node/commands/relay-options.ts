import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseBytes } from '../../protocol/units.ts'
import { DEFAULT_RELAY_LIMITS, type RelayLimits } from '../network/relay-limits.ts'
import { wholeNumber } from './options.ts'

/** The flags of a relay's limits, as commander gives them. */
export interface RelayOptions {
  relayPlaces?: number
  relayBytes?: number
  relayMinutes?: number
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
      option('bytes', 'size', `of one relayed connection (default: ${maxBytes / 2 ** 20}Mi)`, size(2 ** 16, 2 ** 40)),
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

export function relayLimits(options: RelayOptions): RelayLimits {
  const { relayPlaces, relayBytes, relayMinutes, relayRate } = options
  return {
    maxReservations: relayPlaces ?? DEFAULT_RELAY_LIMITS.maxReservations,
    maxBytes: relayBytes ?? DEFAULT_RELAY_LIMITS.maxBytes,
    maxDurationMs: relayMinutes === undefined ? DEFAULT_RELAY_LIMITS.maxDurationMs : relayMinutes * 60_000,
    connectionsPerMinute: relayRate ?? DEFAULT_RELAY_LIMITS.connectionsPerMinute,
  }
}

function size(min: number, max: number): (text: string) => number {
  return (text) => {
    const bytes = parseBytes(text)
    if (bytes === null || bytes < min || bytes > max) {
      throw new InvalidArgumentError(`Give a size from ${min / 1024}Ki to ${max / 2 ** 30}Gi, e.g. 64Mi.`)
    }
    return bytes
  }
}
