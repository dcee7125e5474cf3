import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { waitingOf } from '../../../../node/market/bids/waiting.ts'
import { SENT_IMAGES } from '../../../../protocol/capabilities.ts'
import { encode } from '../../../../protocol/codec.ts'
import { BidSchema } from '../../../../protocol/gen/cortex/v1/market_pb.js'
import { jobSubmissionSchema } from '../../../../protocol/job-spec.ts'
import { requirementsOf } from '../../../../protocol/job-wire.ts'

const MIB = 2 ** 20
const DIGEST = `sha256:${'a'.repeat(64)}`
const spec = jobSubmissionSchema.parse({ image: 'busybox' })
const image = { digest: DIGEST, platforms: [], bytes: 100 * MIB }
const blobs = { marked: [{ mark: 'ab'.repeat(16), bytes: 40 * MIB }], otherBytes: 10 * MIB }
const bid = (fields: Parameters<typeof encode<typeof BidSchema>>[1]) => fromBinary(BidSchema, encode(BidSchema, fields))
const said = (bytes: number, rate: number) => ({ bytes: BigInt(bytes), bytesPerSecond: BigInt(rate) })

describe('how long a job would wait for its data', () => {
  it('is what is missing, at the rate at which it comes', () => {
    const offer = bid({ fromRequester: said(20 * MIB, MIB), fromRegistry: said(100 * MIB, 50 * MIB) })
    assert.deepEqual(waitingOf(requirementsOf(spec, image, blobs), offer), {
      ...{ missingBytes: 120 * MIB, saidMs: 22_000, mostMs: 15_000 },
    })
  })

  it('is nothing where the job needs nothing, whatever is said', () => {
    const offer = bid({ fromRequester: said(2 ** 40, 1), fromRegistry: said(2 ** 40, 1) })
    assert.deepEqual(waitingOf(requirementsOf(spec), offer), { missingBytes: 0, saidMs: 0, mostMs: 0 })
  })

  it('is that of all of it where nothing is said, at the usual rate', () => {
    const { missingBytes, saidMs, mostMs } = waitingOf(requirementsOf(spec, image, blobs), bid({}))
    assert.deepEqual([missingBytes, saidMs, mostMs], [null, 15_000, 15_000])
  })

  it('of an older provider that has the image is not for the image', () => {
    const { saidMs } = waitingOf(requirementsOf(spec, image), bid({ imageDigest: DIGEST }))
    assert.equal(saidMs, 0)
  })

  it('is guessed of an image whose size nobody knows', () => {
    const unknown = requirementsOf(spec, { digest: DIGEST, platforms: [] })
    assert.ok(waitingOf(unknown, bid({})).saidMs > 0)
    assert.equal(waitingOf(unknown, bid({ imageDigest: DIGEST })).saidMs, 0)
  })

  it('is not for a registry where the job brings its image', () => {
    const sent = { ...requirementsOf(spec, image, blobs), capabilities: [SENT_IMAGES] }
    assert.equal(waitingOf(sent, bid({ fromRequester: said(0, 0), fromRegistry: said(2 ** 40, 1) })).saidMs, 0)
  })

  const hostile: [string, { bytes: number; rate: number }, (ms: number) => boolean][] = [
    ['more than there is', { bytes: Number.MAX_SAFE_INTEGER, rate: MIB }, (ms) => ms === 50_000],
    ['faster than any link', { bytes: 50 * MIB, rate: Number.MAX_SAFE_INTEGER }, (ms) => ms > 40],
    ['a byte a second', { bytes: 50 * MIB, rate: 1 }, (ms) => Number.isFinite(ms) && ms < 60_000_000],
    ['no rate', { bytes: 50 * MIB, rate: 0 }, (ms) => ms === 5_000],
  ]
  for (const [what, { bytes, rate }, holds] of hostile) {
    it(`is bounded where a bid says ${what}`, () => {
      const { saidMs } = waitingOf(requirementsOf(spec, null, blobs), bid({ fromRequester: said(bytes, rate) }))
      assert.ok(holds(saidMs), String(saidMs))
    })
  }
})
