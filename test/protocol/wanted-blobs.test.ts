import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { encode } from '../../protocol/codec.ts'
import { BidSchema, RequirementsSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import type { JobInput } from '../../protocol/job-inputs.ts'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { encodedRequirements } from '../../protocol/job-wire.ts'
import { MAX_GOSSIP_BYTES, MAX_MARKED } from '../../protocol/limits.ts'
import { readRequirements } from '../../protocol/market-messages.ts'
import { bytesWanted, checkMissing, createMarker, missingToWire } from '../../protocol/wanted-blobs.ts'
import { WireError } from '../../protocol/wire-error.ts'

const sha256 = (n: number): string => n.toString(16).padStart(64, '0')
const file = (n: number, bytes: number, folder = false): JobInput => ({
  path: `/in/${n}`,
  writable: false,
  blob: { sha256: sha256(n), bytes, folder },
})
const marker = createMarker(Buffer.from('one secret'))
const spec = jobSubmissionSchema.parse({ image: 'busybox' })

describe('what a request says of the bytes of its job', () => {
  it('names the largest, and counts the others', () => {
    const inputs = Array.from({ length: 40 }, (_, n) => file(n, n + 1))
    const wanted = marker.wanted({ inputs })
    assert.deepEqual(
      wanted?.marked.map(({ bytes }) => bytes),
      Array.from({ length: MAX_MARKED }, (_, n) => 40 - n),
    )
    assert.equal(wanted?.otherBytes, (24 * 25) / 2)
    assert.equal(wanted && bytesWanted(wanted), (40 * 41) / 2)
  })

  it('names each once, however often it stands in the job, and says nothing of a job that brings nothing', () => {
    assert.equal(marker.wanted({ inputs: [file(1, 5), { ...file(1, 5), path: '/other' }] })?.marked.length, 1)
    const url: JobInput = { path: '/in', writable: false, url: { url: 'https://example.com/x' } }
    assert.equal(marker.wanted({ inputs: [url] }), undefined)
    assert.equal(marker.wanted({}), undefined)
  })

  it('names them as the award does, apart for files, folders and parts of images', () => {
    const image = { config: { sha256: sha256(1), bytes: 5, folder: false }, layers: [] }
    const inputs = [file(1, 5), file(1, 5, true)]
    const told = [...marker.inputs(inputs).map(({ blob }) => blob?.mark), marker.image(image).config.mark]
    assert.equal(new Set(told).size, 3)
    const asked = marker.wanted({ inputs, sentImage: image })?.marked.map(({ mark }) => mark)
    assert.deepEqual(asked?.toSorted(), told.toSorted())
  })

  it('tells nothing of the bytes: another requester names the same ones otherwise', () => {
    const other = createMarker(Buffer.from('another secret'))
    assert.notDeepEqual(other.wanted({ inputs: [file(1, 5)] }), marker.wanted({ inputs: [file(1, 5)] }))
    const bytes = Buffer.from(encodedRequirements(spec, null, marker.wanted({ inputs: [file(1, 5)] })))
    assert.equal(bytes.includes(Buffer.from(sha256(1), 'hex')), false)
    assert.equal(bytes.includes('/in/1'), false)
  })

  it('arrives as it was sent, in few bytes', () => {
    const wanted = marker.wanted({ inputs: Array.from({ length: 64 }, (_, n) => file(n, 2 ** 40 - n)) })
    const image = { digest: `sha256:${sha256(7)}`, platforms: ['linux/amd64'], bytes: 123_456_789 }
    const bytes = encodedRequirements(spec, image, wanted)
    const read = readRequirements(bytes)
    assert.deepEqual(read.blobs, wanted)
    assert.equal(read.imageBytes, 123_456_789)
    assert.ok(bytes.length - encodedRequirements(spec, image).length < MAX_GOSSIP_BYTES / 16)
  })

  const hostile = {
    'too many': { marked: Array.from({ length: MAX_MARKED + 1 }, () => ({ mark: new Uint8Array(16), bytes: 1n })) },
    'a mark of another length': { marked: [{ mark: new Uint8Array(15), bytes: 1n }] },
    'more than a number can hold': { marked: [{ mark: new Uint8Array(16), bytes: 2n ** 64n - 1n }] },
    'more than any machine has': { otherBytes: 2n ** 53n - 1n },
  }
  for (const [name, blobs] of Object.entries(hostile)) {
    it(`is refused with ${name}`, () => {
      const wire = fromBinary(RequirementsSchema, encodedRequirements(spec))
      const bytes = toBinary(RequirementsSchema, wire)
      const more = encode(RequirementsSchema, { blobs })
      assert.throws(() => readRequirements(Buffer.concat([bytes, more])), WireError)
    })
  }
})

describe('what a bid says that is missing', () => {
  it('arrives as it was sent, and is nothing where nothing was said', () => {
    const said = { bytes: 12, bytesPerSecond: 34 }
    const bid = fromBinary(BidSchema, encode(BidSchema, { fromRequester: missingToWire(said) }))
    assert.deepEqual(checkMissing('from_requester', bid.fromRequester), said)
    assert.equal(checkMissing('from_registry', bid.fromRegistry), null)
  })

  it('is refused where it is no number that can be counted with', () => {
    const bid = fromBinary(BidSchema, encode(BidSchema, { fromRegistry: { bytes: 2n ** 63n } }))
    assert.throws(() => checkMissing('from_registry', bid.fromRegistry), WireError)
  })
})
