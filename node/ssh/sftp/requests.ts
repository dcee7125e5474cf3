import { SftpError, Status } from './index.ts'
import { type Attributes, readerOf } from './packets.ts'

/** What a client asks for. */
export type Request =
  | { kind: 'open'; path: string; flags: number; attributes: Attributes }
  | { kind: 'close' | 'fstat' | 'readdir' | 'fsync'; handle: string }
  | { kind: 'read'; handle: string; offset: number; length: number }
  | { kind: 'write'; handle: string; offset: number; data: Buffer }
  | { kind: 'lstat' | 'stat' | 'opendir' | 'remove' | 'rmdir' | 'realpath' | 'readlink'; path: string }
  | { kind: 'setstat' | 'mkdir'; path: string; attributes: Attributes }
  | { kind: 'fsetstat'; handle: string; attributes: Attributes }
  | { kind: 'rename'; from: string; to: string; replace: boolean }
  | { kind: 'symlink'; target: string; path: string }
  | { kind: 'limits' }

/** The first packet of a session. */
export const INIT = 1

/** Requests whose answers may be long. */
export const [READ, READDIR] = [5, 12]

/** How a file is opened, in bits. */
export const OPEN = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const

/** What this server does beside the protocol: names and versions, as it tells them at first. */
export const EXTENSIONS = {
  'posix-rename@openssh.com': '1',
  'fsync@openssh.com': '1',
  'limits@openssh.com': '1',
} as const

/** Numbers of the requests. */
const KINDS: Readonly<Record<number, Exclude<Request['kind'], 'fsync' | 'limits'>>> = {
  3: 'open',
  4: 'close',
  5: 'read',
  6: 'write',
  7: 'lstat',
  8: 'fstat',
  9: 'setstat',
  10: 'fsetstat',
  11: 'opendir',
  12: 'readdir',
  13: 'remove',
  14: 'mkdir',
  15: 'rmdir',
  16: 'realpath',
  17: 'stat',
  18: 'rename',
  19: 'readlink',
  20: 'symlink',
}
const EXTENDED = 200

/** The id of a packet of a request, which its answer has to carry. @throws {SftpError} */
export function requestId(packet: Buffer): number {
  const fields = readerOf(packet)
  fields.byte()
  return fields.number()
}

/** @throws {SftpError} whose status is the answer */
export function readRequest(packet: Buffer): Request {
  const fields = readerOf(packet)
  const type = fields.byte()
  fields.number()
  const handle = (): string => fields.bytes().toString('latin1')
  const path = (): string => fields.text()
  if (type === EXTENDED) {
    const name = fields.text()
    if (name === 'posix-rename@openssh.com') return { kind: 'rename', from: path(), to: path(), replace: true }
    if (name === 'fsync@openssh.com') return { kind: 'fsync', handle: handle() }
    if (name === 'limits@openssh.com') return { kind: 'limits' }
    throw new SftpError(Status.unsupported, 'There is no such extension here')
  }
  const kind = KINDS[type]
  switch (kind) {
    case 'open':
      return { kind, path: path(), flags: fields.number(), attributes: fields.attributes() }
    case 'close':
    case 'fstat':
    case 'readdir':
      return { kind, handle: handle() }
    case 'read':
      return { kind, handle: handle(), offset: place(fields.long()), length: fields.number() }
    case 'write':
      return { kind, handle: handle(), offset: place(fields.long()), data: fields.bytes() }
    case 'setstat':
    case 'mkdir':
      return { kind, path: path(), attributes: fields.attributes() }
    case 'fsetstat':
      return { kind, handle: handle(), attributes: fields.attributes() }
    case 'rename':
      return { kind, from: path(), to: path(), replace: false }
    case 'symlink':
      // As OpenSSH sends the two: the other way round than the draft has them.
      return { kind, target: path(), path: path() }
    case undefined:
      throw new SftpError(Status.unsupported, 'There is no such request here')
    default:
      return { kind, path: path() }
  }
}

/** @throws {SftpError} beyond what a file can have */
function place(offset: bigint): number {
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new SftpError(Status.failed, 'No file is as long as that')
  return Number(offset)
}
