import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SENT_IMAGES } from '../../../protocol/capabilities.ts'
import { createLackingData } from '../../../provider-agent/bidding/lacking-data.ts'

const [HERE, GONE] = ['ab'.repeat(16), 'cd'.repeat(16)]
const DIGEST = `sha256:${'1'.repeat(64)}`
const OTHER = `sha256:${'2'.repeat(64)}`

describe('what of a job a bid says is missing', () => {
  const rates: Record<string, number> = { 'requester me': 7, 'registry docker.io': 9 }
  const lacking = createLackingData({
    images: { holds: (digest) => digest === DIGEST },
    arrivals: { rate: (from, who) => rates[`${from} ${who}`] ?? 0 },
    has: (requester, mark) => requester === 'me' && mark === HERE,
  })
  const asked = { image: 'busybox', imageDigest: '', capabilities: [] }
  const blobs = (marks: string[]) => ({
    blobs: { marked: marks.map((mark) => ({ mark, bytes: 100 })), otherBytes: 30 },
  })

  it('is nothing where a job says nothing', () => {
    assert.deepEqual(lacking('me', asked), {})
  })

  it('is what is not here, and the rest with it', () => {
    assert.deepEqual(lacking('me', { ...asked, ...blobs([HERE, GONE]) }), {
      fromRequester: { bytes: 130, bytesPerSecond: 7 },
    })
    assert.equal(lacking('me', { ...asked, ...blobs([HERE]) }).fromRequester?.bytes, 0)
  })

  it('is all of it for another who says the same marks', () => {
    assert.equal(lacking('you', { ...asked, ...blobs([HERE]) }).fromRequester?.bytes, 130)
  })

  const images: [string, { imageDigest: string; imageBytes?: number; capabilities?: string[] }, number | undefined][] =
    [
      ['all of an image that is not here', { imageDigest: OTHER, imageBytes: 50 }, 50],
      ['nothing of one that is', { imageDigest: DIGEST, imageBytes: 50 }, 0],
      ['nothing of one that is, however large it is', { imageDigest: DIGEST }, 0],
      ['not said of one whose size nobody knows', { imageDigest: OTHER }, undefined],
      ['not said of one that nobody has named', { imageDigest: '', imageBytes: 50 }, undefined],
      ['not asked of a registry that has none', { imageDigest: OTHER, capabilities: [SENT_IMAGES] }, undefined],
    ]
  for (const [what, fields, bytes] of images) {
    it(`is ${what}`, () => assert.equal(lacking('me', { ...asked, ...fields }).fromRegistry?.bytes, bytes))
  }
})
