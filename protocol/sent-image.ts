/** An image that no registry has and its requester sends: as it is asked for, and as its provider gets it. */

import type { MessageInitShape } from '@bufbuild/protobuf'
import { z } from 'zod'
import { safeNumber } from './codec.ts'
import type { Input_Blob, Job, SentImageSchema } from './gen/cortex/v1/market_pb.js'
import { type BlobSource, blobToWire, markOf, uploadField } from './job-inputs.ts'
import { MAX_IMAGE_CONFIG_BYTES, MAX_IMAGE_LAYERS } from './limits.ts'
import { WireError } from './wire-error.ts'

/** Where an image comes from that no registry has. */
export const imageFromField = z.strictObject({
  upload: uploadField.describe('The digest of an image that was pushed before: of its manifest.'),
})

/** An image in parts, each of which its requester has under its digest. */
export interface SentImage {
  /** What the engine makes an image's id of; it names the layers as they are unpacked. */
  config: BlobSource
  /** From the lowest on. */
  layers: BlobSource[]
}

/** Every part of it, each once. */
export function partsOf({ config, layers }: SentImage): BlobSource[] {
  return [...new Map([config, ...layers].map((blob) => [blob.sha256, blob])).values()]
}

/** As an award carries it. */
export function sentImageToWire({ config, layers }: SentImage): MessageInitShape<typeof SentImageSchema> {
  return { config: blobToWire(config), layers: layers.map(blobToWire) }
}

/** Of a job's award; undefined where a registry has its image. @throws {WireError} `INVALID_FIELD` where it can be none */
export function sentImageOf({ sentImage }: Pick<Job, 'sentImage'>): SentImage | undefined {
  if (sentImage === undefined) return undefined
  const { config, layers } = sentImage
  if (config === undefined || layers.length > MAX_IMAGE_LAYERS) {
    throw invalid(`must have a configuration, and at most ${MAX_IMAGE_LAYERS} layers`)
  }
  const sent = { config: blobFromWire(config), layers: layers.map(blobFromWire) }
  if (sent.config.bytes > MAX_IMAGE_CONFIG_BYTES) {
    throw invalid(`must have a configuration of at most ${MAX_IMAGE_CONFIG_BYTES} bytes`)
  }
  safeNumber(BigInt(bytesOfImage(sent)), 'imageFrom')
  return sent
}

/** What all of its parts take as they are sent, each once. */
export function bytesOfImage(image: SentImage): number {
  return partsOf(image).reduce((sum, { bytes }) => sum + bytes, 0)
}

function blobFromWire(blob: Input_Blob): BlobSource {
  const sha256 = Buffer.from(blob.sha256)
  if (sha256.length !== 32) throw invalid('must have digests of 32 bytes')
  const bytes = safeNumber(blob.bytes, 'imageFrom')
  return { sha256: sha256.toString('hex'), bytes, folder: false, ...markOf(blob, 'imageFrom') }
}

function invalid(problem: string): WireError {
  return new WireError('INVALID_FIELD', `imageFrom ${problem}`, { field: 'imageFrom' })
}
