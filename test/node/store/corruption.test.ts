import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Database, DataFolderError, openDatabase } from '../../../node/store/database.ts'
import { identityOf } from '../../../node/store/leveldb/checked-note.ts'
import { keepChecking } from '../../../node/store/leveldb/table-checks.ts'
import { differences } from './support/fill.ts'

const FILLER = join(import.meta.dirname, 'support/fill.ts')

/** A process that has filled the store in the folder, and holds it. */
async function filler(folder: string) {
  const child = spawn(process.execPath, [FILLER, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return child
}

/** How a copy of the folder fares: opened with all that was written, or refused. */
async function fate(folder: string): Promise<{ opened: true; repaired: string | null } | { error: DataFolderError }> {
  let repaired: string | null = null
  let database: Database
  try {
    database = await openDatabase(folder, (problem) => {
      repaired = problem
    })
  } catch (error) {
    assert.ok(error instanceof DataFolderError, String(error))
    assert.equal(error.code, 'DATA_FOLDER_CORRUPT')
    assert.ok(error.message.includes(folder), error.message)
    assert.match(error.message, /move .*db away to start anew/)
    assert.ok(!error.message.includes('\n'), 'one line')
    return { error }
  }
  try {
    assert.deepEqual(await differences(database), [])
  } finally {
    await database.close()
  }
  return { opened: true, repaired }
}

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+')
  const byte = Buffer.alloc(1)
  await file.read(byte, 0, 1, at)
  byte[0] = (byte[0] ?? 0) ^ 0x10
  await file.write(byte, 0, 1, at)
  await file.close()
}

/** Without the store's own mark. */
async function keysOf(database: Database): Promise<string[]> {
  return (await database.keys().all()).filter((key) => key !== 'form')
}

describe('damaged stores', () => {
  let root: string
  /** A folder that was closed, and one whose process was killed. */
  const models = { closed: '', killed: '' }
  let copies = 0

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cortex-torn-'))
    for (const [model, signal] of [
      ['closed', 'SIGTERM'],
      ['killed', 'SIGKILL'],
    ] as const) {
      models[model] = join(root, model)
      const child = await filler(models[model])
      child.kill(signal)
      await once(child, 'exit')
    }
  })

  after(async () => await rm(root, { recursive: true, force: true }))

  async function copyFolder(from: string, to: string): Promise<void> {
    await mkdir(join(to, 'db'), { recursive: true })
    for (const path of ['pid', 'closed.json', ...(await readdir(join(from, 'db'))).map((file) => `db/${file}`)]) {
      // A folder in use has no closed.json.
      await copyFile(join(from, path), join(to, path)).catch((error) => assert.equal(path, 'closed.json', error))
    }
  }

  async function copy(model: keyof typeof models = 'killed'): Promise<{ folder: string; files: string[] }> {
    copies += 1
    const folder = join(root, `copy ${copies}`)
    await copyFolder(models[model], folder)
    return { folder, files: (await readdir(join(folder, 'db'))).map((file) => join(folder, 'db', file)) }
  }

  function pick(files: string[], pattern: RegExp): string[] {
    const found = files.filter((file) => pattern.test(file))
    assert.notEqual(found.length, 0, `no ${pattern} among ${files}`)
    return found
  }

  it('opens what was closed, and what a killed process left, with all that was written', async () => {
    for (const model of ['closed', 'killed'] as const) {
      const { folder, files } = await copy(model)
      pick(files, /\.ldb$/)
      pick(files, /\.log$/)
      assert.deepEqual(await fate(folder), { opened: true, repaired: null })
      assert.deepEqual(await fate(folder), { opened: true, repaired: null }, 'and again')
    }
  })

  for (const [what, damage] of [
    ['CURRENT deleted', (file: string) => rm(file)],
    ['CURRENT empty', (file: string) => truncate(file, 0)],
    ['CURRENT of nonsense', (file: string) => writeFile(file, 'nonsense\n')],
    ['CURRENT that names another manifest', (file: string) => writeFile(file, 'MANIFEST-009999\n')],
  ] as const) {
    it(`repairs a store with ${what}`, async () => {
      const { folder, files } = await copy()
      for (const file of pick(files, /CURRENT$/)) await damage(file)
      const result = await fate(folder)
      assert.ok('opened' in result && result.repaired !== null, JSON.stringify(result))
      assert.deepEqual(await fate(folder), { opened: true, repaired: null }, 'once')
    })
  }

  for (const [what, damage] of [
    ['deleted', (file: string) => rm(file)],
    ['empty', (file: string) => truncate(file, 0)],
    ['with a flipped bit', (file: string) => flip(file, 20)],
  ] as const) {
    it(`repairs a store with its manifest ${what}`, async () => {
      const { folder, files } = await copy()
      for (const file of pick(files, /MANIFEST/)) await damage(file)
      const result = await fate(folder)
      assert.ok('opened' in result && result.repaired !== null, JSON.stringify(result))
    })
  }

  it('entry 56: reads a table once while it is the same file, and again where it is not', async () => {
    const { folder } = await copy()
    // What was killed may have had tables to merge; the next opening would, and take them away.
    const merging = await openDatabase(folder)
    await merging.compactRange('', '\u{10ffff}')
    await merging.close()
    assert.deepEqual(await fate(folder), { opened: true, repaired: null })
    const [table = ''] = pick(await filesOf(folder), /\.ldb$/)
    const note = join(folder, 'checked.json')
    const known = JSON.parse(await readFile(note, 'utf8'))
    assert.ok(basename(table) in known)
    await flip(table, 50)
    assert.ok('error' in (await fate(folder)), 'the file was written to')
    // As it would be if the disk itself had forgotten a bit.
    const same = identityOf(await stat(table, { bigint: true }))
    await writeFile(note, JSON.stringify({ ...known, [basename(table)]: { file: same, atMs: Date.now() } }))
    const database = await openDatabase(folder)
    await database.close()
    const stop = new AbortController()
    const told = Promise.withResolvers<string>()
    const checked = { [basename(table)]: { file: same, atMs: 0 } }
    const init = { location: join(folder, 'db'), noteFile: note, checked, onDamage: told.resolve, roundMs: 1 }
    const checking = keepChecking({ ...init, signal: stop.signal })
    assert.match(await told.promise, new RegExp(`^${basename(table)} has `))
    stop.abort()
    await checking
    for (const odd of ['', '[]', 'null', '{"a":1}', '{"a":{"file":1}}']) {
      await writeFile(note, odd)
      assert.ok('error' in (await fate(folder)), `with a note of ${odd}`)
    }
  })

  it('refuses a table with a flipped bit, wherever it is', async () => {
    const { files } = await copy()
    for (const [index] of pick(files, /\.ldb$/).entries()) {
      for (const part of [0, 0.1, 0.33, 0.5, 0.77, 0.99, 1]) {
        const { folder, files: own } = await copy()
        const table = pick(own, /\.ldb$/)[index] ?? ''
        await flip(table, Math.floor(((await stat(table)).size - 1) * part))
        const result = await fate(folder)
        // The footer has bytes that stand for nothing.
        if (part < 0.99) assert.ok('error' in result, `${table} at ${part}`)
      }
    }
  })

  it('refuses a table that is cut off, empty or gone', async () => {
    for (const damage of [
      (file: string) => truncate(file, 0),
      (file: string) => truncate(file, 1_000),
      async (file: string) => await truncate(file, (await stat(file)).size - 1),
      (file: string) => rm(file),
    ]) {
      const { folder, files } = await copy()
      await damage(pick(files, /\.ldb$/)[0] ?? '')
      assert.ok('error' in (await fate(folder)))
    }
  })

  it('refuses a log with a flipped bit, wherever it is', async () => {
    for (const part of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
      const { folder, files } = await copy()
      const log = pick(files, /\.log$/).at(-1) ?? ''
      await flip(log, Math.floor(((await stat(log)).size - 1) * part))
      assert.ok('error' in (await fate(folder)), `at ${part}`)
    }
  })

  it('refuses a log that is cut off, empty or gone since the store was closed', async () => {
    for (const damage of [
      (file: string) => truncate(file, 0),
      async (file: string) => await truncate(file, (await stat(file)).size - 5),
      (file: string) => rm(file),
    ]) {
      const { folder, files } = await copy('closed')
      await damage(pick(files, /\.log$/).at(-1) ?? '')
      assert.ok('error' in (await fate(folder)))
    }
  })

  it('refuses a store whose log is gone, and one whose files are all gone', async () => {
    const { folder, files } = await copy()
    for (const log of pick(files, /\.log$/)) await rm(log)
    assert.ok('error' in (await fate(folder)))
    const { folder: empty, files: all } = await copy()
    for (const file of all) await rm(file)
    assert.ok('error' in (await fate(empty)))
  })

  it('has everything before the tear in a log that ends in the middle of a record', async () => {
    const keys = Array.from({ length: 50 }, (_, i) => `${String(i).padStart(3, '0')}`)
    const source = join(root, 'sequence')
    const database = await openDatabase(source)
    const ends: number[] = []
    for (const key of keys) {
      await database.put(key, key.repeat(500))
      ends.push((await stat(pick(await filesOf(source), /\.log$/)[0] ?? '')).size)
    }
    models.killed = join(root, 'killed sequence')
    await copyFolder(source, models.killed)
    await database.close()
    for (const cut of [0, 3, 7, 40, 32_768, 32_770, ...ends.filter((_, i) => i % 9 === 0), (ends.at(-1) ?? 0) - 1]) {
      const { folder, files } = await copy()
      await truncate(pick(files, /\.log$/)[0] ?? '', cut)
      const torn = await openDatabase(folder)
      const complete = ends.filter((end) => end <= cut).length
      assert.deepEqual(await keysOf(torn), keys.slice(0, complete), `cut at ${cut}`)
      await torn.put('later', 'value')
      await torn.close()
      const again = await openDatabase(folder)
      assert.equal(await again.get('later'), 'value')
      await again.close()
    }
  })

  it('begins anew where the damaged database was moved away, as its message says', async () => {
    const folder = join(root, 'moved')
    const database = await openDatabase(folder)
    await database.put('key', 'value')
    await database.close()
    await rm(join(folder, 'db'), { recursive: true })
    const fresh = await openDatabase(folder)
    assert.deepEqual(await keysOf(fresh), [])
    await fresh.close()
  })

  async function filesOf(folder: string): Promise<string[]> {
    return (await readdir(join(folder, 'db'))).map((file) => join(folder, 'db', file))
  }
})

describe('one writer', () => {
  it('names the process that has the folder, and takes over from one that was killed', async (test) => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-writer-'))
    const child = await filler(folder)
    test.after(async () => {
      child.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    })
    await assert.rejects(openDatabase(folder), (error: DataFolderError) => {
      assert.equal(error.code, 'DATA_FOLDER_IN_USE')
      assert.match(error.message, new RegExp(`in use by process ${child.pid}:`))
      return true
    })
    assert.equal((await readFile(join(folder, 'pid'), 'utf8')).trim(), String(child.pid))
    child.kill('SIGKILL')
    await once(child, 'exit')
    const database = await openDatabase(folder)
    assert.deepEqual(await differences(database), [])
    await assert.rejects(openDatabase(folder), { code: 'DATA_FOLDER_IN_USE' })
    await database.close()
  })

  it('lets one of several that come at the same moment in, and tells the others so', async (test) => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-writer-'))
    test.after(async () => await rm(folder, { recursive: true, force: true }))
    const visit = async (delayMs: number): Promise<string> => {
      await delay(delayMs)
      try {
        const database = await openDatabase(folder)
        await database.put('visited', String(delayMs))
        await database.close()
        return 'in'
      } catch (error) {
        return `${(error as DataFolderError).code} ${(error as Error).message}`
      }
    }
    let visits = 0
    for (let round = 0; round < 20; round += 1) {
      const outcomes = await Promise.all([0, 0, 1, 2, 4, 6, 8].map(visit))
      visits += outcomes.filter((outcome) => outcome === 'in').length
      for (const outcome of outcomes) assert.match(outcome, /^in$|^DATA_FOLDER_IN_USE /)
    }
    assert.ok(visits >= 20, `${visits}`)
  })
})
