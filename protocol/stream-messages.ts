/**
 * Messages on streams, read and checked: bids and declines, awards and their answers, both sides of a lease. What people
 * will read is made one line of bounded length; anything else that breaks the protocol is refused.
 *
 * Statements inside are still sealed: `market-messages.ts` opens them.
 */

import { checkLine, checkRandomId, checkRange, checkTime, invalidField, safeNumber } from './check-fields.ts'
import { decode } from './codec.ts'
import { checkEndpoints } from './endpoints.ts'
import {
  type AwardMessage,
  AwardMessageSchema,
  type AwardReply,
  AwardReplySchema,
  type BidMessage,
  BidMessageSchema,
  type LeaseCommand,
  LeaseCommandSchema,
  type LeaseHello,
  LeaseHelloSchema,
  type LeaseMessage,
  LeaseMessageSchema,
  type LogBatch,
  type Report,
  type Report_Ended,
  type Stats,
} from './gen/cortex/v1/market_pb.js'
import { isJobId } from './ids.ts'
import {
  MAX_AWARD_BYTES,
  MAX_BID_BYTES,
  MAX_CODE_LENGTH,
  MAX_DETAIL_NAME_LENGTH,
  MAX_DETAILS,
  MAX_DURATION_SECONDS,
  MAX_EXIT_CODE,
  MAX_IMAGE_LENGTH,
  MAX_LABEL_LENGTH,
  MAX_LEASE_MESSAGE_BYTES,
  MAX_LEFT_OUT,
  MAX_LOG_BATCH_LINES,
  MAX_LOG_LINE_BYTES,
  MAX_MESSAGE_LENGTH,
  MAX_OUTPUTS,
} from './limits.ts'
import { toLine } from './text.ts'
import { WireError } from './wire-error.ts'

/** @throws {WireError} */
export function readBidMessage(bytes: Uint8Array): BidMessage {
  const message = decode(BidMessageSchema, bytes, MAX_BID_BYTES)
  const { content } = message
  if (content.case === undefined) throw empty('BidMessage')
  if (content.case === 'decline') {
    checkRandomId('request_id', content.value.requestId)
    checkCode('code', content.value.code)
    content.value.message = toLine(content.value.message, MAX_MESSAGE_LENGTH)
  }
  return message
}

/** @throws {WireError} */
export function readAwardMessage(bytes: Uint8Array): AwardMessage {
  const message = decode(AwardMessageSchema, bytes, MAX_AWARD_BYTES)
  const { content } = message
  if (content.case === undefined) throw empty('AwardMessage')
  if (content.case === 'release') {
    checkRandomId('request_id', content.value.requestId)
    checkRandomId('bid_id', content.value.bidId)
  }
  return message
}

/** @throws {WireError} */
export function readAwardReply(bytes: Uint8Array): AwardReply {
  const reply = decode(AwardReplySchema, bytes, MAX_BID_BYTES)
  checkCode('code', reply.code)
  reply.message = toLine(reply.message, MAX_MESSAGE_LENGTH)
  return reply
}

/** @throws {WireError} */
export function readLeaseHello(bytes: Uint8Array): LeaseHello {
  const hello = decode(LeaseHelloSchema, bytes, MAX_BID_BYTES)
  if (!isJobId(hello.jobId)) throw invalidField('job_id', 'must be a job id')
  if (hello.fence < 1) throw invalidField('fence', 'starts at 1')
  return hello
}

/** @throws {WireError} */
export function readLeaseCommand(bytes: Uint8Array): LeaseCommand {
  const command = decode(LeaseCommandSchema, bytes, MAX_BID_BYTES)
  const { content } = command
  switch (content.case) {
    case 'attach':
      safeNumber(content.value.afterSequence, 'after_sequence')
      break
    case 'ack':
      safeNumber(content.value.sequence, 'sequence')
      break
    case 'heartbeat':
      safeNumber(content.value.meteredMs, 'metered_ms')
      break
    case 'cancel':
      checkCode('command_id', content.value.commandId)
      break
    case 'extend':
      checkCode('command_id', content.value.commandId)
      checkRange('additional_seconds', content.value.additionalSeconds, 1, MAX_DURATION_SECONDS)
      break
    case 'stale':
      break
    case undefined:
      throw empty('LeaseCommand')
  }
  return command
}

/** @throws {WireError} */
export function readLeaseMessage(bytes: Uint8Array): LeaseMessage {
  const message = decode(LeaseMessageSchema, bytes, MAX_LEASE_MESSAGE_BYTES)
  const { content } = message
  switch (content.case) {
    case 'report':
      checkReport(content.value)
      break
    case 'heartbeat':
      safeNumber(content.value.meteredMs, 'metered_ms')
      checkEndpoints(content.value.endpoints)
      break
    case 'reply':
      checkCode('command_id', content.value.commandId)
      checkCode('code', content.value.code)
      content.value.message = toLine(content.value.message, MAX_MESSAGE_LENGTH)
      break
    case 'unknown':
      break
    case undefined:
      throw empty('LeaseMessage')
  }
  return message
}

function checkReport(report: Report): void {
  if (safeNumber(report.sequence, 'sequence') < 1) throw invalidField('sequence', 'starts at 1')
  if (report.firstSequence > report.sequence) throw invalidField('first_sequence', 'must be at most sequence')
  checkTime('timestamp_ms', report.timestampMs)
  const { content } = report
  switch (content.case) {
    case 'pulling':
      content.value.image = toLine(content.value.image, MAX_IMAGE_LENGTH)
      safeNumber(content.value.bytesDone, 'bytes_done')
      safeNumber(content.value.bytesTotal, 'bytes_total')
      break
    case 'transferring':
      safeNumber(content.value.bytesDone, 'bytes_done')
      safeNumber(content.value.bytesTotal, 'bytes_total')
      break
    case 'started':
      checkTime('started_at_ms', content.value.startedAtMs)
      checkLine('image_digest', content.value.imageDigest)
      break
    case 'logs':
      checkLogs(content.value)
      break
    case 'stats':
      checkStats(content.value)
      break
    case 'extended':
      checkRange('duration_seconds', content.value.durationSeconds, 1, MAX_DURATION_SECONDS)
      break
    case 'ended':
      checkEnded(content.value)
      break
    case 'expired':
      break
    case undefined:
      throw empty('Report')
  }
}

/** Lines are the container's own words: nothing of them is changed. */
function checkLogs({ firstLine, lines }: LogBatch): void {
  if (safeNumber(firstLine, 'first_line') < 1) throw invalidField('first_line', 'starts at 1')
  if (lines.length > MAX_LOG_BATCH_LINES) throw invalidField('lines', `must be at most ${MAX_LOG_BATCH_LINES}`)
  for (const { timestampMs, line, bytes } of lines) {
    checkTime('lines.timestamp_ms', timestampMs)
    checkLineSize('lines.line', Buffer.byteLength(line))
    checkLineSize('lines.bytes', bytes.length)
  }
}

function checkLineSize(name: string, size: number): void {
  if (size > MAX_LOG_LINE_BYTES) throw invalidField(name, `must have at most ${MAX_LOG_LINE_BYTES} bytes`)
}

function checkStats(stats: Stats): void {
  checkTime('timestamp_ms', stats.timestampMs)
  safeNumber(stats.memoryBytes, 'memory_bytes')
  safeNumber(stats.rxBytes, 'rx_bytes')
  safeNumber(stats.txBytes, 'tx_bytes')
  safeNumber(stats.storageBytes ?? 0n, 'storage_bytes')
}

function checkEnded(ended: Report_Ended): void {
  checkCode('outcome', ended.outcome)
  checkCode('failure_code', ended.failureCode)
  checkTime('ended_at_ms', ended.endedAtMs)
  // A shell makes 0 of every 256th.
  checkRange('exit_code', ended.exitCode ?? 0, 0, MAX_EXIT_CODE)
  ended.message = toLine(ended.message, MAX_MESSAGE_LENGTH)
  safeNumber(ended.outputBytes ?? 0n, 'output_bytes')
  ended.outputProblem = toLine(ended.outputProblem, MAX_MESSAGE_LENGTH)
  ended.leftOut = ended.leftOut.slice(0, MAX_LEFT_OUT)
  for (const entry of ended.leftOut) {
    entry.path = toLine(entry.path, MAX_MESSAGE_LENGTH)
    entry.reason = toLine(entry.reason, MAX_MESSAGE_LENGTH)
  }
  ended.sent = ended.sent.slice(0, MAX_OUTPUTS)
  for (const entry of ended.sent) {
    checkLine('sent.name', entry.name, MAX_LABEL_LENGTH)
    safeNumber(entry.bytes, 'sent.bytes')
    if (entry.sha256.length !== 0 && entry.sha256.length !== 32) throw invalidDigest()
    entry.problem = toLine(entry.problem, MAX_MESSAGE_LENGTH)
    checkCode('sent.reason', entry.reason)
  }
  ended.logProblem = toLine(ended.logProblem, MAX_MESSAGE_LENGTH)
  ended.details = Object.fromEntries(
    Object.entries(ended.details)
      .filter(([name]) => name !== '__proto__')
      .slice(0, MAX_DETAILS)
      .map(([name, value]) => [toLine(name, MAX_DETAIL_NAME_LENGTH), toLine(value, MAX_MESSAGE_LENGTH)]),
  )
}

/** Codes are compared, never shown alone; newer peers may have codes that this one does not know. */
function checkCode(field: string, code: string): void {
  checkLine(field, code, MAX_CODE_LENGTH)
}

function invalidDigest(): WireError {
  return new WireError('INVALID_FIELD', 'sent.sha256 must be a digest of 32 bytes', { field: 'sent.sha256' })
}

function empty(message: string): WireError {
  return new WireError('MALFORMED', `${message} without content`)
}
