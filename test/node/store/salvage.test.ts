import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, open, readdir, readFile, rm, rmdir, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openDatabase } from '../../../node/store/database.ts'
import { inspectStore, salvageStore } from '../../../node/store/inspect-store.ts'
import { maskedChecksum } from '../../../node/store/leveldb/bytes.ts'
import { readLog } from '../../../node/store/leveldb/log-file.ts'
import { salvageLog } from '../../../node/store/leveldb/salvage-log.ts'
import { salvageTable } from '../../../node/store/leveldb/salvage-table.ts'
import { tableDamage } from '../../../node/store/leveldb/table-file.ts'
import { differences } from './support/fill.ts'
import { randomFrom } from './support/sample-jobs.ts'

const FILLER = join(import.meta.dirname, 'support/fill.ts')
/** Records that one block of a table, or one batch of a log, can hold. */
const MOST_IN_A_BLOCK = 60
const MOST_IN_A_BATCH = 300

describe('what is left of a store whose files are damaged', () => {
  let root: string
  let model: string
  let copies = 0

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cortex-salvage-'))
    model = join(root, 'model')
    const child = spawn(process.execPath, [FILLER, model], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  after(async () => await rm(root, { recursive: true, force: true }))

  async function copy(): Promise<string> {
    copies += 1
    const folder = join(root, `copy-${copies}`)
    await cp(model, folder, { recursive: true })
    return folder
  }

  async function filesOf(folder: string, pattern: RegExp): Promise<string[]> {
    const names = (await readdir(join(folder, 'db'))).filter((name) => pattern.test(name))
    assert.notEqual(names.length, 0, String(pattern))
    return names.toSorted().map((name) => join(folder, 'db', name))
  }

  /** Salvages it, and answers which records are not as they were, and what is said of that. */
  async function salvaged(folder: string): Promise<{ wrong: string[]; lost: string[] }> {
    const lost = await salvageStore(folder)
    assert.deepEqual((await inspectStore(folder, true)).refusals, [])
    const database = await openDatabase(folder)
    await database.compactRange('', '\u{10ffff}')
    const wrong = await differences(database)
    await database.close()
    return { wrong, lost }
  }

  it('is all of it where nothing is damaged, or only the manifest', async () => {
    assert.deepEqual(await salvaged(await copy()), { wrong: [], lost: [] })
    for (const pattern of [/CURRENT/, /MANIFEST/]) {
      const folder = await copy()
      for (const file of await filesOf(folder, pattern)) await rm(file)
      assert.deepEqual(await salvaged(folder), { wrong: [], lost: [] })
    }
  })

  it('is all but one block of a table with a flipped bit, wherever that is', async () => {
    const random = randomFrom(7)
    const tables = (await filesOf(model, /\.ldb$/)).length
    for (let round = 0; round < 24; round += 1) {
      const folder = await copy()
      const file = (await filesOf(folder, /\.ldb$/))[round % tables] ?? ''
      // The last ones are in the index and the footer.
      const { size } = await stat(file)
      const at = round < 16 ? Math.floor(random() * size) : size - 1 - Math.floor(random() * Math.min(size, 400))
      await flip(file, at)
      const isSeen = (await inspectStore(folder, true)).refusals.length > 0
      const { wrong, lost } = await salvaged(folder)
      assert.ok(wrong.length <= MOST_IN_A_BLOCK, `${file} at ${at}: ${wrong.length}`)
      if (wrong.length > 0) assert.ok(isSeen && lost.length > 0, `${file} at ${at}`)
      for (const key of wrong) {
        const range = /between (".*"|its beginning) and (".*")/.exec(lost[0] ?? '')
        if (range === null) continue
        const [from, to] = [range[1] === 'its beginning' ? '' : JSON.parse(range[1] ?? ''), JSON.parse(range[2] ?? '')]
        assert.ok(key > from && key <= to, `${key} is within ${lost[0]}`)
      }
    }
  })

  it('is all that was before the end of a table that was cut off', async () => {
    for (const part of [0.3, 0.7, 0.99]) {
      const file = (await filesOf(model, /\.ldb$/))[0] ?? ''
      const whole = await readFile(file)
      const cut = whole.subarray(0, Math.floor(whole.length * part))
      const { bytes } = salvageTable(cut)
      assert.ok(bytes !== null && tableDamage(bytes) === null)
      assert.ok(bytes.length > cut.length * 0.8, `${bytes.length} of ${cut.length}`)
    }
    assert.equal(salvageTable(Buffer.alloc(100)).bytes, null)
    assert.equal(salvageTable(Buffer.alloc(0)).bytes, null)
  })

  it('is the same table again where all of its blocks are whole', async () => {
    for (const file of await filesOf(model, /\.ldb$/)) {
      const whole = await readFile(file)
      const { bytes, lost } = salvageTable(whole)
      assert.deepEqual(lost, [])
      assert.equal(tableDamage(bytes ?? Buffer.alloc(0)), null)
    }
  })

  it('is all but some batches of a log with a flipped bit, and all before the end of one that was cut off', async () => {
    const random = randomFrom(11)
    for (let round = 0; round < 10; round += 1) {
      const folder = await copy()
      const file = (await filesOf(folder, /\.log$/)).at(-1) ?? ''
      const { size } = await stat(file)
      if (round < 8) await flip(file, Math.floor(random() * size))
      else await truncate(file, Math.floor(random() * size))
      const { wrong, lost } = await salvaged(folder)
      if (round < 8) assert.ok(wrong.length <= MOST_IN_A_BATCH, `${wrong.length} in round ${round}`)
      assert.notDeepEqual(lost, [], `round ${round}`)
    }
  })

  it('keeps records of a log that are longer than its blocks', () => {
    const records = [10, 40_000, 32_761, 0, 100_000, 7].map((length, i) => Buffer.alloc(length, i + 1))
    const empty = salvageLog(Buffer.alloc(0)).bytes
    assert.equal(empty.length, 0)
    // Written by itself, read by what reads LevelDB's.
    const log = salvageLog(logOf(records)).bytes
    const read = readLog(log)
    assert.equal(read.damage, null)
    assert.deepEqual(
      read.records.map((record) => Buffer.from(record)),
      records,
    )
  })

  it('has lost a table that is gone, and says so, and the rest is there', async () => {
    const folder = await copy()
    const [file = ''] = await filesOf(folder, /\.ldb$/)
    await rm(file)
    const { wrong, lost } = await salvaged(folder)
    assert.ok(wrong.length > 0 && wrong.length < 3_000)
    assert.deepEqual(lost, [`${basename(file)} is missing`])
  })

  it('is all of it, too, where a salvage was broken off before there was a manifest, and until then nobody opens it', async () => {
    const folder = await copy()
    // The repair of LevelDB gets as far as this: by then logs are tables.
    const obstacle = join(folder, 'db/000001.dbtmp')
    await mkdir(obstacle)
    await assert.rejects(salvageStore(folder))
    await rmdir(obstacle)
    await assert.rejects(openDatabase(folder), { code: 'DATA_FOLDER_CORRUPT' })
    assert.deepEqual(await salvaged(folder), { wrong: [], lost: [] })
  })

  it('has what its owner writes to it, from when it can be opened', async () => {
    const folder = await copy()
    await salvageStore(folder, [{ key: 'key 000001' }, { key: 'new', value: 'one' }])
    const database = await openDatabase(folder)
    assert.deepEqual(await database.getMany(['key 000001', 'new']), [undefined, 'one'])
    await database.close()
  })
})

async function flip(path: string, at: number): Promise<void> {
  await using file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  byte[0] = (byte[0] ?? 0) ^ 0x10
  await file.write(byte, 0, 1, at)
}

/** A log of these records, as LevelDB writes one. */
function logOf(records: Buffer[]): Buffer {
  const BLOCK = 32 * 1024
  const out: Buffer[] = []
  let at = 0
  const put = (bytes: Buffer) => {
    out.push(bytes)
    at += bytes.length
  }
  for (const record of records) {
    for (let from = 0, isFirst = true; isFirst || from < record.length; isFirst = false) {
      const room = BLOCK - (at % BLOCK)
      if (room < 7) put(Buffer.alloc(room))
      const most = BLOCK - (at % BLOCK) - 7
      const part = record.subarray(from, from + most)
      from += part.length
      const isLast = from >= record.length
      const type = isFirst ? (isLast ? 1 : 2) : isLast ? 4 : 3
      const typed = Buffer.concat([Buffer.of(type), part])
      const header = Buffer.alloc(6)
      header.writeUInt32LE(maskedChecksum(typed))
      header.writeUInt16LE(part.length, 4)
      put(Buffer.concat([header, typed]))
    }
  }
  return Buffer.concat(out)
}
