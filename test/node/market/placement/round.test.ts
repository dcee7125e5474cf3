import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create, fromBinary } from '@bufbuild/protobuf'
import type { ProviderView } from '../../../../node/directory/index.ts'
import { silentLogger } from '../../../../node/logger.ts'
import { createAttendance } from '../../../../node/market/bids/attendance.ts'
import type { Answer, BidDesk } from '../../../../node/market/bids/bid-desk.ts'
import {
  BID_WINDOW_MS,
  type RoundComponents,
  type RoundResult,
  runRound,
} from '../../../../node/market/placement/round.ts'
import { createTally } from '../../../../node/market/tally.ts'
import type { PeerNetwork } from '../../../../node/network/index.ts'
import { DeclineSchema, JobRequestSchema } from '../../../../protocol/gen/cortex/v1/market_pb.js'
import { jobSubmissionSchema } from '../../../../protocol/job-spec.ts'
import { encodedRequirements } from '../../../../protocol/job-wire.ts'
import { readRequirements } from '../../../../protocol/market-messages.ts'
import { createSimClock } from '../../../support/sim-clock.ts'

/**
 * Providers that answer every request at once, and others that never do; nobody's word was broken but as `trusts` says, and
 * none was kept but by those `known`.
 */
function openMarket(
  answering: string[],
  silent: string[],
  { trusts = {}, known = [] }: { trusts?: Record<string, number>; known?: string[] } = {},
) {
  const clock = createSimClock()
  let take: (answer: Answer) => void = () => assert.fail('nobody asked yet')
  const requests: Uint8Array[] = []
  const desk: BidDesk = {
    open(_, round) {
      take = round.take
      return () => undefined
    },
  }
  const network = {
    addresses: () => [],
    peers: () => [],
    async publish(_: string, data: Uint8Array) {
      requests.push(data)
      for (const provider of answering) take({ provider, bid: null, decline: create(DeclineSchema) })
    },
  } as unknown as PeerNetwork
  const list = () => [...answering, ...silent].map((provider) => ({ provider, status: 'online' }) as ProviderView)
  const components = {
    ...{ network, networkName: 'test', desk, clock, attendance: createAttendance({ clock }), tally: createTally() },
    stamps: { make: async () => new Uint8Array(), heard: () => undefined },
    directory: { list, get: () => undefined, onChange: () => () => undefined },
    logger: silentLogger,
    reputation: {
      trust: (provider: string) => trusts[provider] ?? 1,
      isKnown: (provider: string) => known.includes(provider),
      record: () => undefined,
    },
  } as unknown as RoundComponents
  const requirementsBytes = encodedRequirements(jobSubmissionSchema.parse({ image: 'busybox' }))

  const init = {
    ...{ requirements: readRequirements(requirementsBytes), requirementsBytes, strategy: 'cost' as const, widen: 1 },
    signal: new AbortController().signal,
  }

  return {
    clock,
    requests,
    silent,
    answering,
    /** Runs a round; answers how long its window was open, in ms. */
    async round(windowMs = BID_WINDOW_MS): Promise<number> {
      const startedMs = clock.monotonicMs()
      let endedMs: number | null = null
      const running = runRound(components, { ...init, windowMs }).then(() => {
        endedMs = clock.monotonicMs()
      })
      await clock.advance(windowMs)
      await running
      return (endedMs ?? Number.NaN) - startedMs
    },
    /** Runs one that waits for all; answers what came. @param late answers when half of its time is over */
    async patient(late?: string): Promise<RoundResult> {
      const running = runRound(components, { ...init, isPatient: true, windowMs: BID_WINDOW_MS })
      await clock.advance(BID_WINDOW_MS / 2)
      if (late !== undefined) take({ provider: late, bid: null, decline: create(DeclineSchema) })
      await clock.advance(BID_WINDOW_MS / 2)
      return await running
    },
  }
}

describe('a round', () => {
  it('ends when all who were asked have answered', async () => {
    const market = openMarket(['a', 'b'], [])
    assert.equal(await market.round(), 0)
    const [request] = market.requests
    assert.ok(request)
    assert.equal(fromBinary(JobRequestSchema, request).bidWindowMs, BID_WINDOW_MS)
  })

  it('tells who has not answered, and hears whoever comes in time where it is to show all', async () => {
    const market = openMarket(['a'], ['mute', 'liar'], { trusts: { liar: 0.4 } })
    assert.deepEqual((await market.patient()).unanswered, ['mute', 'liar'])
    const late = openMarket(['a'], ['stranger'], { known: ['a'] })
    for (let rounds = 0; rounds < 2; rounds += 1) await late.round()
    const { declines, unanswered } = await late.patient('stranger')
    assert.deepEqual([declines.map(({ provider }) => provider), unanswered], [['a', 'stranger'], []])
  })

  it('waits twice for one that does not answer, and then no more', async () => {
    const market = openMarket(['a'], ['mute'])
    assert.deepEqual([await market.round(), await market.round()], [BID_WINDOW_MS, BID_WINDOW_MS])
    assert.equal(await market.round(), 0)
    assert.equal(market.requests.length, 3)
  })

  it('waits again for one that answers again', async () => {
    const market = openMarket(['a'], ['late'])
    for (let rounds = 0; rounds < 3; rounds += 1) await market.round()
    market.answering.unshift(...market.silent.splice(0))
    assert.equal(await market.round(), 0)
    market.silent.push(...market.answering.splice(0, 1))
    assert.equal(await market.round(), BID_WINDOW_MS)
  })

  it('waits for nobody whose bids are not believed, unless nobody’s are', async () => {
    const believed = openMarket(['a'], ['liar'], { trusts: { liar: 0.4 } })
    assert.deepEqual([await believed.round(), believed.requests.length], [0, 1])
    const doubted = openMarket(['a'], ['liar'], { trusts: { a: 0.3, liar: 0.4 } })
    assert.equal(await doubted.round(), BID_WINDOW_MS)
  })

  it('waits for strangers beside those it knows until they have held it up twice, whatever they are called', async () => {
    const market = openMarket(['a'], [], { known: ['a'] })
    const rename = (name: string): void => void market.silent.splice(0, 1, name)
    const took: number[] = []
    for (let i = 0; i < 6; i += 1) {
      rename(`sybil ${i}`)
      took.push(await market.round())
    }
    assert.deepEqual(took, [BID_WINDOW_MS, BID_WINDOW_MS, 0, 0, 0, 0])
    await market.clock.advance(60_000)
    rename('one more')
    assert.deepEqual([await market.round(), await market.round()], [BID_WINDOW_MS, 0])
    assert.equal(market.requests.length, 8, 'all of them were asked')
  })

  it('waits for strangers where it knows none of those it asks', async () => {
    const market = openMarket(['a'], [], { known: ['a'] })
    for (const name of ['sybil', 'other', 'mute']) {
      market.silent.splice(0, 1, name)
      await market.round()
    }
    market.answering.splice(0, 1, 'newcomer')
    assert.equal(await market.round(), BID_WINDOW_MS)
  })

  it('holds nothing against those that a short window missed', async () => {
    const market = openMarket(['a'], ['slow'])
    for (let rounds = 0; rounds < 3; rounds += 1) assert.equal(await market.round(10), 10)
    assert.equal(await market.round(), BID_WINDOW_MS)
  })
})
