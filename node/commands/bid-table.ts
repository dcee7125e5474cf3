import { formatUsd } from '../../protocol/money.ts'
import { shownName } from '../../protocol/text.ts'
import type { BidRecord } from '../store/index.ts'
import { gpuText } from '../views/gpu-view.ts'
import { missingText } from '../views/missing-text.ts'
import { table } from './output.ts'

/**
 * Every bid and decline, the best first; with what traffic and volumes cost and with GPUs where somebody says so, and platforms and walls
 * where they differ, and what of its data is missing where a job has any.
 */
export function bidTable(bids: BidRecord[]): string[] {
  if (bids.length === 0) return ['nobody answered']
  const withGpus = bids.some(({ gpu }) => gpu !== undefined)
  const platformOf = ({ platform = '-', emulated = false }: Pick<BidRecord, 'platform' | 'emulated'>): string =>
    `${platform}${emulated ? ', emulated' : ''}`
  const withPlatforms = new Set(bids.filter(({ platform }) => platform !== undefined).map(platformOf)).size > 1
  const withIsolations = new Set(bids.flatMap(({ isolation }) => isolation ?? [])).size > 1
  const withData = bids.some(({ waitMs }) => waitMs !== undefined)
  const withTraffic = bids.some(({ pricePerGb }) => pricePerGb !== undefined)
  const withVolumes = bids.some(({ volumePerGbHour }) => volumePerGbHour !== undefined)
  const rows = bids
    .toSorted((a, b) => (b.score ?? -1) - (a.score ?? -1))
    .map(({ provider, name, outcome, pricePerHour, minimumCharge = null, pricePerGb, score, reason, ...offer }) => [
      shownName(name, provider),
      outcome,
      pricePerHour === null ? '-' : `$${formatUsd(BigInt(pricePerHour))}/h`,
      minimumCharge === null ? '-' : `$${formatUsd(BigInt(minimumCharge))}`,
      ...(withTraffic ? [dollars(pricePerGb)] : []),
      ...(withVolumes ? [dollars(offer.volumePerGbHour)] : []),
      ...(withGpus ? [offer.gpu === undefined ? '-' : gpuText(offer.gpu)] : []),
      ...(withPlatforms ? [platformOf(offer)] : []),
      ...(withIsolations ? [offer.isolation ?? '-'] : []),
      ...(withData ? [missingText(offer)] : []),
      score === null ? '-' : score.toFixed(3),
      reason,
    ])
  const offered = [
    ...(withTraffic ? ['PER GB'] : []),
    ...(withVolumes ? ['PER GB-HOUR KEPT'] : []),
    ...(withGpus ? ['GPU'] : []),
    ...(withPlatforms ? ['PLATFORM'] : []),
    ...(withIsolations ? ['ISOLATION'] : []),
    ...(withData ? ['MISSING'] : []),
  ]
  return table(['PROVIDER', 'OUTCOME', 'PRICE', 'AT LEAST', ...offered, 'SCORE', 'REASON'], rows)
}

function dollars(price: string | undefined): string {
  return price === undefined ? '-' : `$${formatUsd(BigInt(price))}`
}
