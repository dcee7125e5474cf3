import { createHash } from 'node:crypto'
import { type Readable, Transform } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { z } from 'zod'
import type { DumpRecord } from '../store/dump.ts'
import { entriesOf, isNoTar } from '../tar-entries.ts'
import { BackupError, type BackupHead, type BackupSums, FILE_NAME, HEAD, LAYOUTS, SUMS, tableOf } from './layout.ts'
import { recordsOf } from './record-lines.ts'

/** Where what is read goes; what it throws ends the reading. */
export interface BackupSink {
  head(head: BackupHead): Promise<void>
  file(name: string, content: Buffer): Promise<void>
  records(store: string, records: DumpRecord[]): Promise<void>
  /** Has to read all of it. */
  folderFile(folder: string, name: string, content: Readable): Promise<void>
}

/** What a backup holds. */
export interface BackupSummary extends BackupHead {
  /** Of its parts together. */
  bytes: number
  records: BackupSums['records']
  /** Files of its folders, such as outputs. */
  files: number
}

/** Of one file or piece, in bytes; the program writes far smaller ones. */
const MAX_FILE = 2 ** 20
const MAX_PIECE = 64 * 2 ** 20
const MAX_SUMS = 256 * 2 ** 20
/** Parts, so that what is known of them has an end. */
const MAX_PARTS = 2_000_000

const headSchema = z.object({
  format: z.literal(1),
  kind: z.enum(['gateway', 'agent']),
  peerId: z.string().min(1).max(256),
  version: z.string().max(256),
  createdAtMs: z.number().min(0).max(8.64e15),
  withFiles: z.boolean(),
})
const sumsSchema = z.object({
  parts: z.array(z.tuple([z.string(), z.number(), z.string()])).max(MAX_PARTS),
  records: z.record(z.string(), z.record(z.string(), z.number())),
  whole: z.string(),
})

const unpacked = promisify(gunzip)

/** A part as its header says. */
interface Part {
  name: string
  bytes: number
  content: Readable
}

/**
 * Reads a backup to its end and holds it to what it says of itself: nothing in it is to be used before this answers.
 *
 * @throws {BackupError} that says what is wrong, and where
 */
export async function readBackup(source: Readable, sink: BackupSink): Promise<BackupSummary> {
  const reading = createReading(sink)
  let last = ''
  try {
    const entries = entriesOf(source)
    for await (const entry of entries) {
      const { name, size = 0, type } = entry.header
      if (type !== 'file' || !Number.isSafeInteger(size) || size < 0) throw damaged(`${shown(name)} is no plain file`)
      await reading.part({ name, bytes: size, content: entry as unknown as Readable })
      last = name
    }
  } catch (error) {
    throw explained(error, last)
  } finally {
    source.destroy()
  }
  return reading.summary(last)
}

/** One reading, part by part. */
function createReading(sink: BackupSink) {
  const seen: BackupSums['parts'] = []
  const records: BackupSums['records'] = {}
  const pieces = new Map<string, number>()
  let head: BackupHead | null = null
  let sums: BackupSums | null = null
  let files = 0

  async function whole({ name, bytes, content }: Part, max: number): Promise<Buffer> {
    if (bytes > max) throw damaged(`${shown(name)} says that it has ${bytes} bytes, and ${max} is the most`)
    const read = await buffer(content)
    if (name !== SUMS) seen.push([name, read.length, createHash('sha256').update(read).digest('hex')])
    return read
  }

  async function readPiece(store: string, piece: Part): Promise<void> {
    const number = (pieces.get(store) ?? 0) + 1
    const expected = `stores/${store}/${String(number).padStart(8, '0')}.ndjson.gz`
    if (piece.name !== expected) throw damaged(`${shown(piece.name)} stands where ${expected} has to be`)
    pieces.set(store, number)
    const bytes = await whole(piece, MAX_PIECE)
    let found: DumpRecord[]
    try {
      found = recordsOf((await unpacked(bytes, { maxOutputLength: MAX_PIECE })).toString('utf8'))
    } catch (cause) {
      throw damaged(`${piece.name} cannot be unpacked: it was changed`, cause)
    }
    const counts = records[store] ?? {}
    records[store] = counts
    for (const [key] of found) {
      const table = tableOf(key)
      if (table !== '') counts[table] = (counts[table] ?? 0) + 1
    }
    await sink.records(store, found)
  }

  async function readFolderFile(folder: string, file: string, { name, bytes, content }: Part): Promise<void> {
    if (!FILE_NAME.test(file)) throw damaged(`${shown(name)} is no name that a backup has`)
    const hash = createHash('sha256')
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk)
        done(null, chunk)
      },
    })
    const piped = pipeline(content, counted)
    await Promise.all([piped, sink.folderFile(folder, file, counted)])
    seen.push([name, bytes, hash.digest('hex')])
    files += 1
  }

  async function readHead(first: Part): Promise<void> {
    if (first.name !== HEAD) throw damaged(`it begins with ${shown(first.name)}, and is no backup of this program`)
    const found = parsed(headSchema, await whole(first, MAX_FILE), HEAD)
    head = found
    await sink.head(found)
  }

  return {
    async part(part: Part): Promise<void> {
      const { name } = part
      if (sums !== null) throw damaged(`${shown(name)} stands behind its end`)
      if (seen.length >= MAX_PARTS) throw damaged(`it has more than ${MAX_PARTS} parts`)
      if (head === null) return await readHead(part)
      const layout = LAYOUTS[head.kind]
      if (name === SUMS) {
        sums = parsed(sumsSchema, await whole(part, MAX_SUMS), SUMS)
        return
      }
      const [where = '', ...rest] = name.split('/')
      const [of = '', file = ''] = rest
      if (where === 'files' && layout.files.includes(rest.join('/'))) {
        if (seen.some(([known]) => known === name)) throw damaged(`${name} is in it twice`)
        return await sink.file(rest.join('/'), await whole(part, MAX_FILE))
      }
      const isOfTwo = rest.length === 2
      if (where === 'stores' && isOfTwo && Object.hasOwn(layout.stores, of)) return await readPiece(of, part)
      if (where === 'folders' && isOfTwo && layout.folders.includes(of)) return await readFolderFile(of, file, part)
      throw damaged(`${shown(name)} is nothing that a backup of ${articled(head.kind)} has`)
    },
    summary(last: string): BackupSummary {
      if (head === null) throw damaged('it is empty, or no backup of this program')
      if (sums === null) throw damaged(`it is cut off behind ${shown(last)}`)
      if (createHash('sha256').update(JSON.stringify(sums.parts)).digest('hex') !== sums.whole) {
        throw damaged(`${SUMS} was changed`)
      }
      checkParts(seen, sums.parts)
      const told = sums.records
      for (const [store, tables] of Object.entries(records)) {
        for (const [table, count] of Object.entries(tables)) {
          if (told[store]?.[table] === count) continue
          throw damaged(`it has ${count} records of ${shown(table)}, and ${told[store]?.[table] ?? 0} were written`)
        }
      }
      if (!seen.some(([name]) => name === 'files/identity.key')) throw damaged('it has no identity.key')
      return { ...head, bytes: seen.reduce((sum, [, bytes]) => sum + bytes, 0), records, files }
    },
  }
}

function checkParts(seen: BackupSums['parts'], told: BackupSums['parts']): void {
  told.forEach(([name, bytes, sha256], i) => {
    const [foundName, foundBytes, foundSha256] = seen[i] ?? []
    if (foundName !== name) throw damaged(`${shown(name)} is missing`)
    if (foundBytes !== bytes || foundSha256 !== sha256) throw damaged(`${shown(name)} was changed`)
  })
  const more = seen[told.length]
  if (more !== undefined) throw damaged(`${shown(more[0])} was added`)
}

function parsed<T>(schema: z.ZodType<T>, bytes: Buffer, name: string): T {
  try {
    return schema.parse(JSON.parse(bytes.toString('utf8')))
  } catch (cause) {
    throw damaged(`${name} cannot be read: it was changed, or a newer version wrote it`, cause)
  }
}

function damaged(problem: string, cause?: unknown): BackupError {
  return new BackupError('BACKUP_DAMAGED', `The backup is damaged: ${problem}. Nothing of it is used`, { cause })
}

function explained(error: unknown, last: string): unknown {
  if (!isNoTar(error)) return error
  const where = last === '' ? 'at its beginning' : `behind ${shown(last)}`
  if ((error as Error).message.startsWith('Unexpected end')) return damaged(`it is cut off ${where}`, error)
  return damaged(`what stands ${where} is no part of a backup`, error)
}

/** A name that anybody may have written. */
function shown(name: string): string {
  return JSON.stringify(name.slice(0, 100))
}

function articled(kind: string): string {
  return kind === 'agent' ? 'an agent' : `a ${kind}`
}
