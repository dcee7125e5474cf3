/** Messages of streams that bring what a job brings, read and checked; see `inputs.proto`. */

import { checkLine, invalidField, safeNumber } from './check-fields.ts'
import { decode } from './codec.ts'
import { type InputHello, InputHelloSchema, type InputReply, InputReplySchema } from './gen/cortex/v1/inputs_pb.js'
import { isJobId } from './ids.ts'
import { MAX_CODE_LENGTH, MAX_INPUT_MESSAGE_BYTES, MAX_MESSAGE_LENGTH } from './limits.ts'
import { toLine } from './text.ts'

/**
 * Why a requester does not give a blob: its job or lease is another, or the blob is not there any more. Append-only: it
 * crosses the wire.
 */
export type InputRefusal = 'UNKNOWN_LEASE' | 'BLOB_GONE'

/** @throws {WireError} */
export function readInputHello(bytes: Uint8Array): InputHello {
  const hello = decode(InputHelloSchema, bytes, MAX_INPUT_MESSAGE_BYTES)
  if (!isJobId(hello.jobId)) throw invalidField('job_id', 'must be a job id')
  if (hello.fence < 1) throw invalidField('fence', 'starts at 1')
  if (hello.sha256.length !== 32) throw invalidField('sha256', 'must have 32 bytes')
  safeNumber(hello.offset, 'offset')
  return hello
}

/** @throws {WireError} */
export function readInputReply(bytes: Uint8Array): InputReply {
  const reply = decode(InputReplySchema, bytes, MAX_INPUT_MESSAGE_BYTES)
  checkLine('code', reply.code, MAX_CODE_LENGTH)
  reply.message = toLine(reply.message, MAX_MESSAGE_LENGTH)
  safeNumber(reply.bytes, 'bytes')
  return reply
}
