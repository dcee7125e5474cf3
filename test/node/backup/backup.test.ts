/** Backups of a real store: made while jobs are written, and restored elsewhere. */

import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { NOWHERE, readBackupFile, writeBackupFile } from '../../../node/backup/backup-file.ts'
import { openStopped } from '../../../node/backup/open-stopped.ts'
import { readBackup } from '../../../node/backup/read-backup.ts'
import { writeBackup } from '../../../node/backup/write-backup.ts'
import type { JobRecord } from '../../../node/store/index.ts'
import {
  endJob,
  HOW,
  type Home,
  noPassphrase,
  openHome,
  RECEIPT,
  restoreInto,
  seen,
  sourceOf,
  verify,
} from './support/home.ts'

const PASSPHRASE = 'correct horse battery staple'

describe('backups', () => {
  let root: string
  let home: Home
  let ended: string[]
  /** One that is made once, for all who look at it. */
  let file: string

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cortex-backup-'))
    home = await openHome(join(root, 'gateway'))
    ended = []
    for (let i = 0; i < 60; i += 1) ended.push(await endJob(home, `job-${i}`))
    await home.records.put('!keys!one', JSON.stringify({ name: 'a key' }))
    await home.records.batch([{ type: 'put', key: '!raw!bytes', value: Buffer.from([0xff, 0, 0xfe]) as never }], {
      valueEncoding: 'buffer',
    } as object)
    file = join(root, 'gateway.tar')
    await writeBackupFile(writeBackup(sourceOf(home), HOW), { path: file, passphrase: null })
  })

  after(async () => {
    await home.close()
    await rm(root, { recursive: true, force: true })
  })

  it('have every ended job, its log, receipt, secrets, and the keys, though jobs are written meanwhile', async () => {
    const path = join(root, 'under-load.tar')
    let writing = true
    const during: string[] = []
    const load = (async () => {
      while (writing) during.push(await endJob(home, `load-${during.length}`))
    })()
    // The dump is of this moment: what ended before is in it, whatever comes now.
    await endJob(home, 'the last before')
    const before = (await home.store.list({ limit: 10_000, statuses: ['completed'] })).jobs.map(({ id }) => id)
    const summary = await writeBackupFile(writeBackup(sourceOf(home), HOW), { path, passphrase: null })
    writing = false
    await load
    assert.ok(during.length > 0)
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal(summary.peerId, home.peerId)

    const folder = join(root, 'elsewhere/gateway')
    const restored = await readBackupFile(path, noPassphrase, restoreInto(folder))
    assert.equal(restored.movedTo, null)
    const other = await openHome(folder)
    try {
      assert.equal(other.peerId, home.peerId)
      assert.deepEqual([home.store.restoredFromMs, other.store.restoredFromMs], [null, HOW.nowMs])
      for (const id of before) assert.deepEqual(await seen(other, id), await seen(home, id), id)
      const { jobs, total } = await other.store.list({ limit: 10_000, owner: 'alice', sort: 'endedAt' })
      assert.equal(total, jobs.length)
      assert.equal(jobs.length, summary.records.jobs?.jobs)
      // Half a job is in it nowhere: record, events and feed are of one moment.
      for (const { id, lastEvent } of jobs) assert.equal((await other.store.events(id)).length, lastEvent, id)
      const receipt = ((await other.store.get(ended[0] ?? '')) as JobRecord & { state: { lease: object } }).state.lease
      assert.deepEqual((receipt as { receipt: unknown }).receipt, RECEIPT)
      assert.equal(await other.records.get('!keys!one'), JSON.stringify({ name: 'a key' }))
      const raw = await other.records.get('!raw!bytes', { valueEncoding: 'buffer' } as object)
      assert.deepEqual(raw as unknown, Buffer.from([0xff, 0, 0xfe]))
    } finally {
      await other.close()
    }
    for (const name of ['identity.key', 'master.key']) {
      assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
    }
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    assert.deepEqual(await readdir(join(root, 'elsewhere')), ['gateway'])
  })

  it('are of one moment', async () => {
    const source = sourceOf(home)
    await endJob(home, 'too late')
    const summary = await readBackup(writeBackup(source, HOW), NOWHERE)
    assert.equal(summary.records.jobs?.jobs, (await home.store.list({ limit: 1 })).total - 1)
  })

  it('are made of a folder on which nothing runs, and of none other', async () => {
    await assert.rejects(openStopped('gateway', join(root, 'nothing')), /There is no gateway in/)
    assert.deepEqual((await readdir(root)).includes('nothing'), false)
    await assert.rejects(openStopped('gateway', home.folder), { code: 'DATA_FOLDER_IN_USE' })
    const folder = join(root, 'stopped/gateway')
    await readBackupFile(file, noPassphrase, restoreInto(folder))
    const source = await openStopped('gateway', folder)
    try {
      const summary = await readBackup(writeBackup(source, HOW), NOWHERE)
      const { records } = await readBackupFile(file, noPassphrase, verify)
      // And of which moment it was restored.
      assert.deepEqual(summary.records.jobs, { ...records.jobs, meta: 1 })
    } finally {
      await source.close()
    }
  })

  it('have outputs and uploads where they are asked for', async () => {
    for (const [name, text] of [
      ['outputs/job_a.tar', 'left'],
      ['outputs/job_b.part', 'half'],
      ['uploads/x.blob', ''],
      ['batch-files/c', 'no'],
    ] as const) {
      await mkdir(join(home.folder, name, '..'), { recursive: true })
      await writeFile(join(home.folder, name), text)
    }
    const without = await readBackup(writeBackup(sourceOf(home), HOW), NOWHERE)
    assert.equal(without.files, 0)
    const path = join(root, 'with-files.tar')
    const how = { ...HOW, withFiles: true }
    const { files } = await writeBackupFile(writeBackup(sourceOf(home), how), { path, passphrase: null })
    assert.equal(files, 2)
    const folder = join(root, 'with-files/gateway')
    await readBackupFile(path, noPassphrase, restoreInto(folder))
    assert.equal(await readFile(join(folder, 'outputs/job_a.tar'), 'utf8'), 'left')
    assert.deepEqual(await readdir(join(folder, 'outputs')), ['job_a.tar'])
    assert.deepEqual(await readdir(join(folder, 'uploads')), ['x.blob'])
  })

  it('write over no file, and into no folder that has something', async () => {
    await assert.rejects(
      writeBackupFile(writeBackup(sourceOf(home), HOW), { path: file, passphrase: null }),
      /nothing is written over/,
    )
    const folder = join(root, 'taken/gateway')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'mine'), 'x')
    await assert.rejects(readBackupFile(file, noPassphrase, restoreInto(folder)), /is not empty: .*--replace/)
    await assert.rejects(readBackupFile(file, noPassphrase, restoreInto(home.folder, { replace: true })), /is in use/)
    const { movedTo } = await readBackupFile(file, noPassphrase, restoreInto(folder, { replace: true }))
    assert.equal(await readFile(join(movedTo ?? '', 'mine'), 'utf8'), 'x')
    assert.deepEqual((await readdir(join(root, 'taken'))).toSorted(), ['gateway', 'gateway.before-20231114T221320Z'])
    await assert.rejects(
      readBackupFile(file, noPassphrase, restoreInto(join(root, 'agent'), { kind: 'agent' })),
      /a backup of a gateway.*use 'cortex gateway restore'/,
    )
  })

  it('of a newer form are refused', async () => {
    await home.records.put('form', JSON.stringify({ form: 99, version: '9.9.9' }))
    const folder = join(root, 'newer/gateway')
    await assert.rejects(
      restoreInto(folder)(writeBackup(sourceOf(home), HOW)),
      /was written by cortex 9\.9\.9, .*install cortex-node@9\.9\.9/,
    )
    assert.deepEqual(await readdir(join(root, 'newer')), [])
    await home.records.del('form')
  })

  it('that break off leave no file', async () => {
    const path = join(root, 'broken.tar')
    const source = writeBackup(sourceOf(home), HOW)
    const cut = Readable.from(
      (async function* () {
        let bytes = 0
        for await (const chunk of source as AsyncIterable<Buffer>) {
          bytes += chunk.length
          if (bytes > 2_000) throw new Error('the disk is gone')
          yield chunk
        }
      })(),
      { objectMode: false },
    )
    await assert.rejects(writeBackupFile(cut, { path, passphrase: null }), /the disk is gone/)
    // One that ends as if it were whole.
    const half = (await readFile(file)).subarray(0, 1024)
    await assert.rejects(writeBackupFile(Readable.from([half]), { path, passphrase: null }), /cut off/)
    assert.deepEqual(
      (await readdir(root)).filter((name) => name.startsWith('broken')),
      [],
    )
  })

  describe('that are encrypted', () => {
    let locked: string
    before(async () => {
      locked = join(root, 'gateway.tar.age')
      await writeBackupFile(writeBackup(sourceOf(home), HOW), { path: locked, passphrase: PASSPHRASE })
    })

    it('open with their passphrase alone', async () => {
      assert.equal((await readFile(locked)).includes('cortex-backup.json'), false)
      assert.equal((await readBackupFile(locked, async () => PASSPHRASE, verify)).peerId, home.peerId)
      await assert.rejects(
        readBackupFile(locked, async () => 'another one', verify),
        { code: 'BACKUP_LOCKED' },
      )
    })

    it('are refused where a byte was changed, or the end is missing', async () => {
      const whole = await readFile(locked)
      for (const at of [60, whole.length - 40]) {
        const bytes = Buffer.from(whole)
        bytes[at] = (bytes[at] ?? 0) ^ 1
        const path = join(root, `changed-${at}.age`)
        await writeFile(path, bytes)
        await assert.rejects(
          readBackupFile(path, async () => PASSPHRASE, verify),
          /damaged|passphrase/,
          String(at),
        )
      }
      const path = join(root, 'short.age')
      await writeFile(path, whole.subarray(0, -500))
      await assert.rejects(
        readBackupFile(path, async () => PASSPHRASE, verify),
        /damaged/,
      )
    })
  })
})
