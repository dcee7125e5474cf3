/** Messages of streams into a container, read and checked; see `reach.proto`. */

import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { checkLine, checkOneOf, checkRange, checkTime, invalidField, safeNumber } from './check-fields.ts'
import { decode } from './codec.ts'
import { checkFiles, checkFilesReply } from './file-messages.ts'
import {
  type ContainerDetails,
  type ExecInput,
  ExecInputSchema,
  type ExecOutput,
  ExecOutputSchema,
  type FileContent,
  FileContentSchema,
  type ReachHello,
  ReachHelloSchema,
  type ReachReply,
  ReachReplySchema,
} from './gen/cortex/v1/reach_pb.js'
import { isJobId } from './ids.ts'
import {
  MAX_CODE_LENGTH,
  MAX_COMMAND_WORD_LENGTH,
  MAX_COMMAND_WORDS,
  MAX_CONTAINER_ITEMS,
  MAX_MESSAGE_LENGTH,
  MAX_REACH_MESSAGE_BYTES,
  MAX_TERMINAL_SIZE,
} from './limits.ts'
import { isArgument, toLine } from './text.ts'
import { WireError } from './wire-error.ts'

/** Why a provider does not let its requester into a container. Append-only: it crosses the wire. */
export const REACH_REFUSALS = [
  'UNKNOWN_LEASE',
  'NOT_RUNNING',
  'PORT_NOT_EXPOSED',
  'NOT_LISTENING',
  'TOO_MANY',
  'NO_OUTPUT',
  'NOT_OFFERED',
  'BAD_COMMAND',
  'FAILED',
  'NO_FILE',
  'BAD_PATH',
  'TOO_LARGE',
  'NO_ROOM',
  'UNKNOWN_VOLUME',
] as const
/** One of {@link REACH_REFUSALS}; of what a newer provider says beside them, `FAILED` is made. */
export type ReachRefusal = (typeof REACH_REFUSALS)[number]

/** @throws {WireError} */
export function readReachHello(bytes: Uint8Array): ReachHello {
  const hello = decode(ReachHelloSchema, bytes, MAX_REACH_MESSAGE_BYTES)
  if (!isJobId(hello.jobId)) throw invalidField('job_id', 'must be a job id')
  if (hello.fence < 1) throw invalidField('fence', 'starts at 1')
  const { content } = hello
  switch (content.case) {
    case 'tunnel':
      checkRange('port', content.value.port, 1, 65_535)
      checkOneOf('protocol', content.value.protocol, ['TCP', 'UDP'])
      break
    case 'exec':
      checkExecCommand(content.value.command)
      checkTerminal(content.value)
      break
    case 'output':
      safeNumber(content.value.offset, 'offset')
      break
    case 'files':
      checkFiles(content.value)
      break
    case 'inspect':
      break
    case undefined:
      throw empty('ReachHello')
  }
  return hello
}

/** @throws {WireError} */
export function readReachReply(bytes: Uint8Array): ReachReply {
  return checkReply(decode(ReachReplySchema, bytes, MAX_REACH_MESSAGE_BYTES))
}

function checkReply(reply: ReachReply): ReachReply {
  checkLine('code', reply.code, MAX_CODE_LENGTH)
  reply.message = toLine(reply.message, MAX_MESSAGE_LENGTH)
  safeNumber(reply.bytes, 'bytes')
  if (reply.container !== undefined) checkContainer(reply.container)
  if (reply.files !== undefined) checkFilesReply(reply.files)
  return reply
}

/** @throws {WireError} */
export function readExecInput(bytes: Uint8Array): ExecInput {
  const input = decode(ExecInputSchema, bytes, MAX_REACH_MESSAGE_BYTES)
  if (input.content.case === undefined) throw empty('ExecInput')
  if (input.content.case === 'resize') checkTerminal(input.content.value)
  return input
}

/** @throws {WireError} */
export function readExecOutput(bytes: Uint8Array): ExecOutput {
  const output = decode(ExecOutputSchema, bytes, MAX_REACH_MESSAGE_BYTES)
  if (output.content.case === undefined) throw empty('ExecOutput')
  return output
}

/** A piece of a file as {@link FileContent}. */
export function encodeFileData(data: Uint8Array): Uint8Array {
  return encodeBytes(FileContentSchema.field.data.number, [data])
}

/** A piece of a command's input as {@link ExecInput}. */
export function encodeExecData(data: Uint8Array): Uint8Array {
  return encodeBytes(ExecInputSchema.field.data.number, [data])
}

/** A piece of a command's output as {@link ExecOutput}. @param parts which follow each other */
export function encodeExecOutput(stream: 'stdout' | 'stderr', parts: Uint8Array[]): Uint8Array {
  return encodeBytes(ExecOutputSchema.field[stream].number, parts)
}

/** A message of one field of bytes: the library's own writer, which grows as it writes, takes ten times as long. */
function encodeBytes(field: number, parts: Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(length).finish()
  return Buffer.concat([head, ...parts], head.length + length)
}

/** @throws {WireError} */
export function readFileContent(bytes: Uint8Array): FileContent {
  const read = decode(FileContentSchema, bytes, MAX_REACH_MESSAGE_BYTES)
  if (read.content.case === undefined) throw empty('FileContent')
  if (read.content.case === 'end') checkReply(read.content.value)
  return read
}

function checkExecCommand(command: string[]): void {
  checkRange('command', command.length, 1, MAX_COMMAND_WORDS)
  for (const word of command) {
    if (word.length > MAX_COMMAND_WORD_LENGTH || !isArgument(word)) {
      throw invalidField('command', `must be words of at most ${MAX_COMMAND_WORD_LENGTH} characters`)
    }
  }
}

function checkTerminal({ columns, rows }: { columns: number; rows: number }): void {
  checkRange('columns', columns, 0, MAX_TERMINAL_SIZE)
  checkRange('rows', rows, 0, MAX_TERMINAL_SIZE)
}

function checkContainer(container: ContainerDetails): void {
  const { processes, mounts, networks, usage } = container
  checkTime('started_at_ms', container.startedAtMs)
  checkLine('image_digest', container.imageDigest)
  checkRange('processes', processes.length, 0, MAX_CONTAINER_ITEMS)
  checkRange('mounts', mounts.length, 0, MAX_CONTAINER_ITEMS)
  checkRange('networks', networks.length, 0, MAX_CONTAINER_ITEMS)
  for (const process of processes) {
    process.user = toLine(process.user, MAX_CODE_LENGTH)
    process.command = toLine(process.command, MAX_MESSAGE_LENGTH)
  }
  for (const mount of mounts) {
    mount.path = toLine(mount.path, MAX_MESSAGE_LENGTH)
    mount.name = toLine(mount.name, MAX_MESSAGE_LENGTH)
  }
  for (const network of networks) {
    checkLine('networks.address', network.address)
    checkLine('networks.gateway', network.gateway)
  }
  safeNumber(usage?.memoryBytes ?? 0n, 'memory_bytes')
  safeNumber(usage?.memoryLimitBytes ?? 0n, 'memory_limit_bytes')
  safeNumber(usage?.rxBytes ?? 0n, 'rx_bytes')
  safeNumber(usage?.txBytes ?? 0n, 'tx_bytes')
}

function empty(message: string): WireError {
  return new WireError('MALFORMED', `${message} without content`)
}
