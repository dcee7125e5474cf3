import assert from 'node:assert/strict'
import { it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { quotesOf } from '../../../../node/market/placement/quotes.ts'
import type { LiveOffer } from '../../../../node/market/placement/round.ts'
import { DeclineSchema } from '../../../../protocol/gen/cortex/v1/market_pb.js'
import { jobSubmissionSchema, splitSecrets } from '../../../../protocol/job-spec.ts'

function offer(provider: string, fields: Partial<LiveOffer> = {}): LiveOffer {
  return {
    ...{
      provider,
      name: provider,
      pricePerHour: 1_000n,
      minimumCharge: 0n,
      pricePerGb: 0n,
      volumePerGbHour: 0n,
      gpu: null,
      platform: '',
    },
    ...{ isolation: '', emulated: false, holdsImage: false, total: null, uptimeSeconds: 1, latencyMs: 1, trust: 1 },
    ...{ missingBytes: null, waitMs: 0, waiting: { missingBytes: 0, saidMs: 0, mostMs: 0 } },
    ...{ figures: null, free: { cpuMillis: 1, memoryBytes: 1, storageBytes: 1, gpu: 0 }, ...fields },
  } as LiveOffer
}

it('a dry run tells of everybody: who bids, whose bid would be passed over, who declines, who is silent', () => {
  const { spec } = splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', maxPrice: '0.001', isolation: 'gvisor' }))
  const found = {
    offers: [
      offer('good', { isolation: 'gvisor' }),
      offer('other walls', { isolation: 'container' }),
      offer('dear', { isolation: 'gvisor', pricePerHour: 2_000_000n }),
    ],
    declines: [
      { provider: 'full', name: 'full', decline: create(DeclineSchema, { code: 'X', message: 'has 1m CPU free' }) },
    ],
    unanswered: ['mute'],
  }
  const quotes = quotesOf(found, { spec }, (provider) => `the ${provider}`)
  assert.deepEqual(
    quotes.map(({ name, pricePerHour, reason }) => [name, pricePerHour, pricePerHour === null ? reason : '']),
    [
      ['good', 1_000n, ''],
      ['other walls', null, 'does not offer the isolation that is asked for'],
      ['dear', null, 'above maxPrice'],
      ['full', null, 'has 1m CPU free'],
      ['the mute', null, 'has not answered in time: ask again'],
    ],
  )
})
