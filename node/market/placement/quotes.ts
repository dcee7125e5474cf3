import { mostOf } from '../../../protocol/job-spec.ts'
import type { JobRecord } from '../../store/index.ts'
import { gpuView } from '../../views/gpu-view.ts'
import { unfitness } from '../bids/bid-records.ts'
import { rank } from '../bids/ranking.ts'
import type { Quote } from '../index.ts'
import type { RoundResult } from './round.ts'

/**
 * What the market says to a job that nobody is given: the bids from the best on, then those that would be passed over, then who
 * declined, and why, and who has not answered.
 */
export function quotesOf(
  { offers, declines, unanswered }: Pick<RoundResult, 'offers' | 'declines' | 'unanswered'>,
  job: Pick<JobRecord, 'spec' | 'image'>,
  nameOf: (provider: string) => string,
): Quote[] {
  const { spec } = job
  const fit = offers.filter((offer) => unfitness(job, offer) === null)
  const bids = rank(fit, spec.providerStrategy, mostOf(spec)).map(({ offer, score, reason }): Quote => {
    const { provider, name, pricePerHour, minimumCharge, pricePerGb, volumePerGbHour, emulated } = offer
    const gpu = offer.gpu === null ? null : gpuView(offer.gpu)
    const platform = offer.platform === '' ? null : offer.platform
    const isolation = offer.isolation === '' ? null : offer.isolation
    const terms = { pricePerHour, minimumCharge, pricePerGb, volumePerGbHour }
    const { missingBytes, waiting } = offer
    const waitMs = waiting.mostMs === 0 ? null : Math.round(offer.waitMs)
    return { provider, name, ...terms, gpu, platform, emulated, isolation, missingBytes, waitMs, score, reason }
  })
  const refusals = [
    ...offers.flatMap((offer) => {
      const reason = unfitness(job, offer)
      return reason === null ? [] : [refused(offer.provider, offer.name, reason)]
    }),
    ...declines.map(({ provider, name, decline }) => refused(provider, name, decline.message.slice(0, 256))),
    ...unanswered.map((provider) => refused(provider, nameOf(provider), 'has not answered in time: ask again')),
  ]
  return [...bids, ...refusals]
}

function refused(provider: string, name: string, reason: string): Quote {
  const noTerms = { pricePerHour: null, minimumCharge: null, pricePerGb: null, volumePerGbHour: null }
  const nothing = { ...noTerms, gpu: null, platform: null, emulated: false, isolation: null, score: null }
  return { provider, name, ...nothing, missingBytes: null, waitMs: null, reason }
}
