import { type JobSpec, mostOf } from '../../../protocol/job-spec.ts'
import { gpuView } from '../../views/gpu-view.ts'
import { rank } from '../bids/ranking.ts'
import type { Quote } from '../index.ts'
import type { RoundResult } from './round.ts'

/** What the market says to a job that nobody is given: the bids from the best on, then who declined, and why. */
export function quotesOf(
  { offers, declines }: Pick<RoundResult, 'offers' | 'declines'>,
  { providerStrategy, ...job }: Pick<JobSpec, 'providerStrategy' | 'duration' | 'network' | 'maxNetwork'>,
): Quote[] {
  const bids = rank(offers, providerStrategy, mostOf(job)).map(({ offer, score, reason }): Quote => {
    const { provider, name, pricePerHour, minimumCharge, pricePerGb, emulated } = offer
    const gpu = offer.gpu === null ? null : gpuView(offer.gpu)
    const platform = offer.platform === '' ? null : offer.platform
    const isolation = offer.isolation === '' ? null : offer.isolation
    const terms = { pricePerHour, minimumCharge, pricePerGb }
    return { provider, name, ...terms, gpu, platform, emulated, isolation, score, reason }
  })
  const refusals = declines.map(({ provider, name, decline }): Quote => {
    const reason = decline.message.slice(0, 256)
    const noTerms = { pricePerHour: null, minimumCharge: null, pricePerGb: null }
    const nothing = { ...noTerms, gpu: null, platform: null, isolation: null, score: null }
    return { provider, name, ...nothing, emulated: false, reason }
  })
  return [...bids, ...refusals]
}
