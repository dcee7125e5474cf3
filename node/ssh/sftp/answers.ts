import type { FileType } from '../../../protocol/file-messages.ts'
import type { JobFile } from '../../reach/index.ts'
import type { Status } from './index.ts'
import { ATTRIBUTE } from './packets.ts'
import { EXTENSIONS } from './requests.ts'

const TYPE = { version: 2, status: 101, handle: 102, data: 103, names: 104, attributes: 105, extended: 201 } as const

const VERSION = 3

/** The longest message of a status, in UTF-16 units: what is said may have come from a container. */
const MAX_MESSAGE = 500

/** The bits of the kind of a file, as `stat` has them. */
const KIND_BITS: Readonly<Record<FileType, number>> = {
  file: 0o100000,
  folder: 0o040000,
  link: 0o120000,
  pipe: 0o010000,
  socket: 0o140000,
  device: 0o020000,
  other: 0,
}
const KIND_LETTERS: Readonly<Record<FileType, string>> = {
  ...{ file: '-', folder: 'd', link: 'l', pipe: 'p', socket: 's', device: 'c', other: '?' },
}
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** What a session begins with. */
export function versionAnswer(): Buffer {
  const extensions = Object.entries(EXTENSIONS).flat().map(text)
  return packet(TYPE.version, number(VERSION), ...extensions)
}

/** How it went. */
export function statusAnswer(id: number, status: Status, message: string): Buffer {
  return packet(TYPE.status, number(id), number(status), text(message.slice(0, MAX_MESSAGE)), text('en'))
}

/** What a file or folder is called that was opened. */
export function handleAnswer(id: number, handle: string): Buffer {
  return packet(TYPE.handle, number(id), text(handle))
}

/** Bytes of a file. */
export function dataAnswer(id: number, data: Buffer): Buffer {
  return packet(TYPE.data, number(id), number(data.length), data)
}

/** Entries of a folder, each as {@link nameOf} has it. */
export function namesAnswer(id: number, names: Buffer[]): Buffer {
  return packet(TYPE.names, number(id), number(names.length), ...names)
}

/** What a file is. */
export function attributesAnswer(id: number, file: JobFile): Buffer {
  return packet(TYPE.attributes, number(id), attributesOf(file))
}

/** How much a client may ask for at once. */
export function limitsAnswer(
  id: number,
  limits: { packet: number; read: number; write: number; handles: number },
): Buffer {
  const { packet: longest, read, write, handles } = limits
  return packet(TYPE.extended, number(id), ...[longest, read, write, handles].map((limit) => long(BigInt(limit))))
}

/** A name with what it is: as `ls -l` shows it, and in fields. */
export function nameOf(file: JobFile): Buffer {
  return Buffer.concat([text(file.name), text(longName(file)), attributesOf(file)])
}

/** A name alone. */
export function bareName(name: string): Buffer {
  return Buffer.concat([text(name), text(name), number(0)])
}

function attributesOf({ type, size, mode, mtimeMs }: JobFile): Buffer {
  const seconds = number(Math.min(Math.max(Math.floor(mtimeMs / 1000), 0), 0xffffffff))
  const flags = ATTRIBUTE.size | ATTRIBUTE.mode | ATTRIBUTE.times
  return Buffer.concat([number(flags), long(BigInt(size)), number(KIND_BITS[type] | mode), seconds, seconds])
}

/** As `ls -l` has it; whose it is, nobody tells. What a terminal would obey is shown as a question mark. */
function longName({ name, type, size, mode, mtimeMs }: JobFile): string {
  const time = new Date(mtimeMs)
  const day = `${MONTHS[time.getUTCMonth()]} ${String(time.getUTCDate()).padStart(2)} ${time.getUTCFullYear()}`
  const shown = name.replace(/\p{Cc}/gu, '?')
  return `${KIND_LETTERS[type]}${permissions(mode)}    ? ?        ?        ${String(size).padStart(12)} ${day} ${shown}`
}

function permissions(mode: number): string {
  const letters = [...'rwxrwxrwx'].map((letter, at) => ((mode >> (8 - at)) & 1 ? letter : '-'))
  for (const [bit, at, letter] of [
    [0o4000, 2, 's'],
    [0o2000, 5, 's'],
    [0o1000, 8, 't'],
  ] as const) {
    if ((mode & bit) !== 0) letters[at] = letters[at] === 'x' ? letter : letter.toUpperCase()
  }
  return letters.join('')
}

function packet(type: number, ...fields: Buffer[]): Buffer {
  const length = fields.reduce((all, field) => all + field.length, 1)
  return Buffer.concat([number(length), Buffer.of(type), ...fields])
}

function number(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function long(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([number(bytes.length), bytes])
}
