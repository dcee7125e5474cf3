import { NETWORK_LIMIT } from '../../protocol/capabilities.ts'
import type { Prices } from '../../protocol/money.ts'

/** What is asked by an agent with these capabilities: nothing for traffic where it cannot count that. */
export function askable(prices: Prices, capabilities: readonly string[]): Prices {
  return capabilities.includes(NETWORK_LIMIT) ? prices : { ...prices, networkPerGb: 0n }
}
