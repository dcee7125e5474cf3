import { formatUsd } from '../../protocol/money.ts'
import type { BidRecord } from '../store/index.ts'
import { table } from './output.ts'

/** Every bid and decline, the best first. */
export function bidTable(bids: BidRecord[]): string {
  const rows = bids
    .toSorted((a, b) => (b.score ?? -1) - (a.score ?? -1))
    .map(({ provider, name, outcome, pricePerHour, minimumCharge = null, score, reason }) => [
      name === '' ? provider.slice(-8) : name,
      outcome,
      pricePerHour === null ? '-' : `$${formatUsd(BigInt(pricePerHour))}/h`,
      minimumCharge === null ? '-' : `$${formatUsd(BigInt(minimumCharge))}`,
      score === null ? '-' : score.toFixed(3),
      reason,
    ])
  return rows.length === 0
    ? 'nobody answered'
    : table(['PROVIDER', 'OUTCOME', 'PRICE', 'AT LEAST', 'SCORE', 'REASON'], rows)
}
