import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type NetSample, sellerOf, topLines, topView } from '../../../node/top/top-view.ts'
import { providerView } from '../../gateway/support/test-node.ts'

const sample = (fields: Partial<NetSample> = {}): NetSample => ({
  ...{ atMs: 1_000, peers: 3, listeners: { requests: 2, announcements: 3 }, published: 4, refused: { RATE: 1 } },
  ...{
    heard: { requests: 10, announcements: 100 },
    market: { bid: 5 },
    traffic: [],
    providers: [sellerOf(providerView())],
  },
  ...fields,
})

describe('what net top shows', () => {
  it('rates between two looks, totals beside', () => {
    const later = {
      atMs: 3_000,
      published: 8,
      heard: { requests: 16, announcements: 100 },
      market: { bid: 11, silent: 2 },
    }
    const { rates, market } = topView(sample(), sample({ ...later, refused: { RATE: 1, STALE: 1 } }))
    assert.deepEqual(rates, {
      heard: { requests: 3, announcements: 0 },
      published: 2,
      refused: { RATE: 0, STALE: 0.5 },
    })
    assert.deepEqual(market, { bid: { total: 11, rate: 3 }, silent: { total: 2, rate: 1 } })
  })

  it('bytes a second of each connected peer, the busiest first, and of all', () => {
    const bytes = (peer: string, receivedBytes: number, sentBytes: number) => ({ peer, receivedBytes, sentBytes })
    const { provider } = providerView()
    const earlier = sample({
      traffic: [bytes(provider, 10_000, 1_000), bytes('again', 9_000, 9_000), bytes('gone', 5, 5)],
    })
    const later = sample({
      atMs: 3_000,
      traffic: [
        bytes('quiet', 0, 0),
        bytes('new', 512, 2_048),
        bytes('again', 100, 9_100),
        bytes(provider, 30_480, 1_000),
      ],
    })
    const view = topView(earlier, later)
    assert.deepEqual(view.traffic, {
      ...{ received: 10_500, sent: 1_070 },
      peers: [
        { id: provider, name: 'attic', received: 10_200, sent: 0 },
        { id: 'new', name: '', received: 256, sent: 1_020 },
        { id: 'again', name: '', received: 0, sent: 50 },
        { id: 'quiet', name: '', received: 0, sent: 0 },
      ],
    })
    const text = topLines(view).join('\n')
    assert.match(text, /^traffic +10\.3 KiB\/s in, 1\.0 KiB\/s out$/m)
    assert.match(text, /^PEER +NAME +IN +OUT$/m)
    assert.match(text, new RegExp(`^${provider} +attic +10\\.0 KiB/s +0\\.0 KiB/s$`, 'm'))
    assert.match(text, /^new +- +0\.3 KiB\/s +1\.0 KiB\/s$/m)
  })

  it('no rate below nothing where the peer was started anew', () => {
    const { rates } = topView(sample(), sample({ atMs: 2_000, published: 1 }))
    assert.equal(rates.published, 0)
  })

  it('providers by what they have free, and how many are in which state', () => {
    const { free } = providerView()
    const providers = [
      sellerOf(providerView({ provider: 'small', free: { ...free, cpuMillis: 10 } })),
      sellerOf(providerView({ provider: 'large', free: { ...free, cpuMillis: 4_000 } })),
      sellerOf(providerView({ provider: 'gone', status: 'offline', free: { ...free, cpuMillis: 0 } })),
    ]
    const { directory } = topView(sample(), sample({ providers }))
    assert.deepEqual([directory.online, directory.degraded, directory.offline], [2, 0, 1])
    assert.deepEqual(
      directory.providers.map(({ id }) => id),
      ['large', 'small', 'gone'],
    )
  })

  it('as text: what is nothing is said in a word, and a long market is cut', () => {
    const quiet = topLines(topView(sample(), sample({ atMs: 2_000, market: {}, providers: [] }))).join('\n')
    assert.match(quiet, /^peers +3 connected; hear requests 2, announcements 3$/m)
    assert.match(quiet, /^turned away +nothing$/m)
    assert.doesNotMatch(quiet, /MARKET|PROVIDER|PEER/)
    const many = Array.from({ length: 25 }, (_, i) => sellerOf(providerView({ provider: `p${i}` })))
    const busy = topLines(topView(sample(), sample({ atMs: 2_000, providers: many }))).join('\n')
    assert.match(busy, /^MARKET +TOTAL +RATE\nbid +5 +0\/s$/m)
    assert.match(busy, /^and 5 more$/m)
    assert.match(busy, /^p0 +attic +online +1000m\/4000m +8Gi\/8Gi +12\.0 ms$/m)
  })
})
