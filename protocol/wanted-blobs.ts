/** What of a job's bytes has to come before it can begin: as a request says it without telling what they are, and as bids answer. */

import { createHmac, hkdfSync } from 'node:crypto'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { checkRange, invalidField } from './check-fields.ts'
import { safeNumber } from './codec.ts'
import type {
  MissingSchema,
  WantedBlobsSchema,
  Missing as WireMissing,
  WantedBlobs as WireWantedBlobs,
} from './gen/cortex/v1/market_pb.js'
import type { BlobSource, JobInput } from './job-inputs.ts'
import { MARK_BYTES, MAX_BYTES, MAX_MARKED } from './limits.ts'
import { partsOf, type SentImage } from './sent-image.ts'

/** What a job brings of its requester's own. */
export interface WantedBlobs {
  /** The largest, at most {@link MAX_MARKED}. */
  marked: { mark: string; bytes: number }[]
  /** What the others take together. */
  otherBytes: number
}

/** What of a job's bytes a provider lacks. */
export interface Missing {
  bytes: number
  /** How fast such bytes have come in lately; 0 where none have. */
  bytesPerSecond: number
}

/** Names blobs of one requester, for whoever was told the name beside the blob, and nobody else. */
export interface Marker {
  /** As its inputs are in an award. */
  inputs(inputs: readonly JobInput[]): JobInput[]
  /** As the parts of its image are. */
  image(image: SentImage): SentImage
  /** All of it, for a request; undefined where it brings nothing of the requester's. */
  wanted(job: { inputs?: readonly JobInput[]; sentImage?: SentImage }): WantedBlobs | undefined
}

/**
 * Marks are alike for the same bytes for ever, and tell nothing of them: whoever knows a file does not find out who has it.
 *
 * @param secret of the requester, such as its private key; nobody learns of it by a mark
 */
export function createMarker(secret: Uint8Array): Marker {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'cortex-node/blob-marks/1', 32))

  /** @param use inputs and parts of images are kept apart, and folders are kept unpacked */
  function marked<B extends BlobSource>(blob: B, use: 'input' | 'part'): B & { mark: string } {
    const kind = use === 'input' && blob.folder ? 'folder' : use
    const mark = createHmac('sha256', key).update(`${kind} ${blob.sha256}`).digest('hex')
    return { ...blob, mark: mark.slice(0, 2 * MARK_BYTES) }
  }

  const markedInputs = (inputs: readonly JobInput[]): JobInput[] =>
    inputs.map((input) => (input.blob === undefined ? input : { ...input, blob: marked(input.blob, 'input') }))

  return {
    inputs: markedInputs,
    image: ({ config, layers }) => ({
      config: marked(config, 'part'),
      layers: layers.map((layer) => marked(layer, 'part')),
    }),
    wanted({ inputs = [], sentImage }) {
      const blobs = [
        ...inputs.flatMap(({ blob }) => (blob === undefined ? [] : [marked(blob, 'input')])),
        ...(sentImage === undefined ? [] : partsOf(sentImage).map((part) => marked(part, 'part'))),
      ]
      if (blobs.length === 0) return undefined
      const [...each] = new Map(blobs.map(({ mark, bytes }) => [mark, { mark, bytes }])).values()
      const largestFirst = each.toSorted((a, b) => b.bytes - a.bytes || (a.mark < b.mark ? -1 : 1))
      return { marked: largestFirst.slice(0, MAX_MARKED), otherBytes: sum(largestFirst.slice(MAX_MARKED)) }
    },
  }
}

/** All that a request names. */
export function bytesWanted({ marked, otherBytes }: WantedBlobs): number {
  return sum(marked) + otherBytes
}

/** As a request carries it. */
export function wantedToWire({ marked, otherBytes }: WantedBlobs): MessageInitShape<typeof WantedBlobsSchema> {
  return {
    marked: marked.map(({ mark, bytes }) => ({ mark: Buffer.from(mark, 'hex'), bytes: BigInt(bytes) })),
    otherBytes: BigInt(otherBytes),
  }
}

/** @throws {WireError} */
export function checkWanted({ marked, otherBytes }: WireWantedBlobs): WantedBlobs {
  checkRange('blobs', marked.length, 0, MAX_MARKED)
  const wanted = {
    marked: marked.map(({ mark, bytes }) => ({ mark: markOfWire(mark), bytes: safeNumber(bytes, 'blobs') })),
    otherBytes: safeNumber(otherBytes, 'blobs'),
  }
  checkRange('blobs', bytesWanted(wanted), 0, MAX_BYTES)
  return wanted
}

/** What an image takes of a registry, as a request says; 0 is not known. @throws {WireError} */
export function checkImageBytes(bytes: bigint): number {
  const checked = safeNumber(bytes, 'image_bytes')
  checkRange('image_bytes', checked, 0, MAX_BYTES)
  return checked
}

function markOfWire(mark: Uint8Array): string {
  if (mark.length !== MARK_BYTES) throw invalidField('blobs', `must have marks of ${MARK_BYTES} bytes`)
  return Buffer.from(mark).toString('hex')
}

/** As a bid carries it. */
export function missingToWire({ bytes, bytesPerSecond }: Missing): MessageInitShape<typeof MissingSchema> {
  return { bytes: BigInt(bytes), bytesPerSecond: BigInt(Math.round(bytesPerSecond)) }
}

/** What a provider says; null where it does not. It may be anything. @throws {WireError} */
export function checkMissing(field: string, wire: WireMissing | undefined): Missing | null {
  if (wire === undefined) return null
  return { bytes: safeNumber(wire.bytes, field), bytesPerSecond: safeNumber(wire.bytesPerSecond, field) }
}

function sum(blobs: readonly { bytes: number }[]): number {
  return blobs.reduce((all, { bytes }) => all + bytes, 0)
}
