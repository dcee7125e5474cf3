import { createHash } from 'node:crypto'
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { finished, type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Pack } from 'tar-stream'
import type { Dump, DumpRecord } from '../store/dump.ts'
import { addContent, tarOf } from '../tar-of.ts'
import { type BackupHead, type BackupKind, type BackupSums, FILE_NAME, HEAD, LAYOUTS, SUMS, tableOf } from './layout.ts'
import { recordLine } from './record-lines.ts'

/** What a backup is made of. */
export interface BackupSource {
  kind: BackupKind
  peerId: string
  /** The data folder. */
  folder: string
  /** By the names of its layout, opened in one turn; closed when the backup is made, or given up. */
  dumps: Record<string, Dump>
}

/** What it is to hold, and of when it says that it is. */
export interface BackupHow {
  withFiles: boolean
  version: string
  nowMs: number
}

/** Text of records that is packed at a time, in UTF-16 units: little enough that nothing waits for it. */
const PIECE_LENGTH = 512 * 1024
const packed = promisify(gzip)

/**
 * A backup as it is made: a tar, so that it may be looked into without this program. Records are lines of JSON, a piece at a
 * time; the last entry says what all others have to be. Only as much of it is in memory as is on its way.
 */
export function writeBackup(source: BackupSource, how: BackupHow): Readable {
  const { kind, peerId, folder, dumps } = source
  const layout = LAYOUTS[kind]
  const sums: Pick<BackupSums, 'parts' | 'records'> = { parts: [], records: {} }

  async function add(out: Pack, name: string, content: Buffer): Promise<void> {
    await addContent(out, { name, mode: 0o600, mtime: new Date(how.nowMs) }, content)
    sums.parts.push([name, content.length, createHash('sha256').update(content).digest('hex')])
  }

  async function addStore(out: Pack, store: string, dump: Dump): Promise<void> {
    const counts: Record<string, number> = {}
    sums.records[store] = counts
    let pieces = 0
    let lines = ''
    const flush = async (): Promise<void> => {
      if (lines === '') return
      pieces += 1
      const name = `stores/${store}/${String(pieces).padStart(8, '0')}.ndjson.gz`
      const piece = await packed(lines, { level: 4 })
      lines = ''
      await add(out, name, piece)
    }
    for (let records = await dump.next(); records.length > 0; records = await dump.next()) {
      for (const record of records) {
        count(counts, record)
        lines += recordLine(record)
        if (lines.length >= PIECE_LENGTH) await flush()
      }
    }
    await flush()
    await dump.close()
  }

  async function addFile(out: Pack, name: string, path: string): Promise<void> {
    await using file = await open(path)
    const { size } = await file.stat()
    const hash = createHash('sha256')
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk)
        done(null, chunk)
      },
    })
    const header = { name, size, mode: 0o600, mtime: new Date(how.nowMs) }
    // What is added to it from now on is not in this backup.
    if (size === 0) await addContent(out, header, '')
    else {
      const content = file.createReadStream({ start: 0, end: size - 1, autoClose: false })
      await pipeline(content, counted, out.entry(header))
    }
    sums.parts.push([name, size, hash.digest('hex')])
  }

  const backup = tarOf(async (out) => {
    const head: BackupHead = {
      ...{ format: 1, kind, peerId, version: how.version },
      ...{ createdAtMs: how.nowMs, withFiles: how.withFiles },
    }
    await add(out, HEAD, Buffer.from(`${JSON.stringify(head)}\n`))
    for (const name of layout.files) {
      const content = await unlessMissing(readFile(join(folder, name)))
      if (content !== null) await add(out, `files/${name}`, content)
    }
    for (const [store, dump] of Object.entries(dumps)) await addStore(out, store, dump)
    for (const one of how.withFiles ? layout.folders : []) {
      const names = (await unlessMissing(readdir(join(folder, one)))) ?? []
      // What is still on its way comes again, and what is gone meanwhile was removed as it is to be.
      for (const name of names.toSorted().filter((file) => FILE_NAME.test(file) && !file.endsWith('.part'))) {
        await unlessMissing(addFile(out, `folders/${one}/${name}`, join(folder, one, name)))
      }
    }
    const parts = JSON.stringify(sums.parts)
    const whole = createHash('sha256').update(parts).digest('hex')
    await addContent(out, { name: SUMS, mode: 0o600 }, `${JSON.stringify({ ...sums, whole } satisfies BackupSums)}\n`)
  })
  // Made, given up, or failed: whoever reads it hears of that.
  finished(backup, () => {
    for (const dump of Object.values(dumps)) void dump.close().catch(() => undefined)
  })
  return backup
}

function count(counts: Record<string, number>, [key]: DumpRecord): void {
  const table = tableOf(key)
  if (table === '') return
  counts[table] = (counts[table] ?? 0) + 1
}

async function unlessMissing<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
