/** Messages about volumes that outlive their job, read and checked; see `volumes.proto`. */

import { checkLine, checkRange, invalidField, safeNumber } from './check-fields.ts'
import { decode } from './codec.ts'
import { checkFiles } from './file-messages.ts'
import type { KeptVolumeRequirement } from './gen/cortex/v1/market_pb.js'
import type { ReachHello_Files } from './gen/cortex/v1/reach_pb.js'
import {
  type KeptVolume,
  type VolumeFilesHello,
  VolumeFilesHelloSchema,
  type VolumesReply,
  VolumesReplySchema,
  type VolumesRequest,
  VolumesRequestSchema,
} from './gen/cortex/v1/volumes_pb.js'
import { isVolumeId } from './job-fields.ts'
import type { KeptRequirement } from './job-volumes.ts'
import {
  MAX_BYTES,
  MAX_CODE_LENGTH,
  MAX_KEEP_SECONDS,
  MAX_LISTED_VOLUMES,
  MAX_MESSAGE_LENGTH,
  MAX_REACH_MESSAGE_BYTES,
  MAX_VOLUMES,
  MAX_VOLUMES_MESSAGE_BYTES,
  MIN_KEEP_SECONDS,
  MIN_VOLUME_BYTES,
} from './limits.ts'
import { toLine } from './text.ts'
import { WireError } from './wire-error.ts'

/** Why a provider does not do with a volume what its requester asks. Append-only: it crosses the wire. */
export const VOLUME_REFUSALS = [
  'UNKNOWN_VOLUME',
  'VOLUME_IN_USE',
  'KEEP_TOO_LONG',
  'FAILED',
  'NOT_AGREED',
  'VOLUME_UNPAID',
] as const
/** One of {@link VOLUME_REFUSALS}; of what a newer provider says beside them, `FAILED` is made. */
export type VolumeRefusal = (typeof VOLUME_REFUSALS)[number]

/** @throws {WireError} */
export function readVolumesRequest(bytes: Uint8Array): VolumesRequest {
  const request = decode(VolumesRequestSchema, bytes, MAX_VOLUMES_MESSAGE_BYTES)
  const { content } = request
  switch (content.case) {
    case 'list':
      if (content.value.after !== '') checkVolumeId('after', content.value.after)
      break
    case 'extend':
      checkVolumeId('id', content.value.id)
      checkRange('keep_seconds', content.value.keepSeconds, MIN_KEEP_SECONDS, MAX_KEEP_SECONDS)
      break
    case 'delete':
      checkVolumeId('id', content.value.id)
      break
    case 'settle':
      if (content.value.receipt === undefined) throw new WireError('MALFORMED', 'Settle without receipt')
      break
    case undefined:
      throw new WireError('MALFORMED', 'VolumesRequest without content')
  }
  return request
}

/** @throws {WireError} */
export function readVolumesReply(bytes: Uint8Array): VolumesReply {
  const reply = decode(VolumesReplySchema, bytes, MAX_VOLUMES_MESSAGE_BYTES)
  checkLine('code', reply.code, MAX_CODE_LENGTH)
  reply.message = toLine(reply.message, MAX_MESSAGE_LENGTH)
  checkRange('volumes', reply.volumes.length, 0, MAX_LISTED_VOLUMES)
  for (const volume of reply.volumes) checkVolume(volume)
  return reply
}

function checkVolume({ id, sizeBytes, keepSeconds, idleSeconds }: KeptVolume): void {
  checkVolumeId('volumes.id', id)
  checkRange('volumes.size_bytes', safeNumber(sizeBytes, 'volumes.size_bytes'), 0, MAX_BYTES)
  checkRange('volumes.keep_seconds', keepSeconds, MIN_KEEP_SECONDS, MAX_KEEP_SECONDS)
  safeNumber(idleSeconds, 'volumes.idle_seconds')
}

/** What a requester asks of a volume's files. @throws {WireError} */
export function readVolumeFilesHello(bytes: Uint8Array): { id: string; files: ReachHello_Files } {
  const { id, files }: VolumeFilesHello = decode(VolumeFilesHelloSchema, bytes, MAX_REACH_MESSAGE_BYTES)
  checkVolumeId('id', id)
  if (files === undefined) throw new WireError('MALFORMED', 'VolumeFilesHello without files')
  checkFiles(files)
  if (files.action.case === 'remove') throw invalidField('action', 'must be to look, to read or to write')
  return { id, files }
}

/** The volumes of a request that outlive its job. @throws {WireError} */
export function checkKept(volumes: KeptVolumeRequirement[]): KeptRequirement[] {
  checkRange('kept_volumes', volumes.length, 0, MAX_VOLUMES)
  return volumes.map(({ id, shared, keepSeconds, sizeBytes: wireBytes }) => {
    const sizeBytes = safeNumber(wireBytes, 'kept_volumes.size_bytes')
    if (id === '') {
      checkRange('kept_volumes.keep_seconds', keepSeconds, MIN_KEEP_SECONDS, MAX_KEEP_SECONDS)
      checkRange('kept_volumes.size_bytes', sizeBytes, MIN_VOLUME_BYTES, MAX_BYTES)
    } else {
      checkVolumeId('kept_volumes.id', id)
      checkRange('kept_volumes.keep_seconds', keepSeconds, 0, 0)
      checkRange('kept_volumes.size_bytes', sizeBytes, 0, 0)
    }
    return { id, shared, keepSeconds, sizeBytes }
  })
}

function checkVolumeId(field: string, id: string): void {
  if (!isVolumeId(id)) throw invalidField(field, 'must be the id of a volume')
}
