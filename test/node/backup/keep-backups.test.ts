import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { type BackupPlan, startBackups } from '../../../node/backup/keep-backups.ts'
import { writeBackup } from '../../../node/backup/write-backup.ts'
import { silentLogger } from '../../../node/logger.ts'
import { createSimClock } from '../../support/sim-clock.ts'
import { until } from '../../support/until.ts'

const HOUR_MS = 3_600_000
const PEER = '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo'

describe('backups by themselves', () => {
  let root: string
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cortex-keep-backups-'))
    await writeFile(join(root, 'identity.key'), 'a key')
  })
  after(async () => await rm(root, { recursive: true, force: true }))

  it('are made on time, over restarts, and so many are kept', async () => {
    const clock = createSimClock()
    const folder = join(root, 'b')
    const plan: BackupPlan = { folder, everyMs: 6 * HOUR_MS, keep: 2, withFiles: false, passphrase: null }
    let fails = false
    let made = 0
    const make = async (): Promise<Readable> => {
      made += 1
      if (fails) return Readable.from([Buffer.alloc(512)])
      return writeBackup(
        { kind: 'gateway', peerId: PEER, folder: root, dumps: {} },
        { withFiles: false, version: '1', nowMs: clock.nowMs() },
      )
    }
    const start = () => startBackups({ kind: 'gateway', peerId: PEER, make, clock, logger: silentLogger }, plan)
    const name = (hour: string) => `cortex-gateway-kSCVe2Xo-20260101T${hour}.tar`
    const names = async () => (await readdir(folder).catch(() => [])).toSorted()
    /** It waits for its next time again. */
    const rests = async (count: number) => await until(async () => made === count && clock.pending() === 1)

    let backups = start()
    await rests(0)
    await clock.advance(60_000)
    await rests(1)
    assert.deepEqual(await names(), [name('000100Z')])
    assert.equal((await stat(join(folder, name('000100Z')))).mode & 0o777, 0o600)
    assert.equal((await stat(folder)).mode & 0o777, 0o700)
    await backups.stop()

    // Somebody else's, and what a killed process left.
    const others = ['cortex-gateway-other123-20200101T000000Z.tar', 'cortex-gateway-kSCVe2Xo-notes.txt', 'photo.jpg']
    for (const other of others) await writeFile(join(folder, other), '')
    await writeFile(join(folder, `${name('000000Z')}.x.part`), '')

    await clock.advance(3 * HOUR_MS)
    backups = start()
    await rests(1)
    await clock.advance(3 * HOUR_MS)
    await rests(2)
    await clock.advance(6 * HOUR_MS)
    await rests(3)
    const kept = [name('060100Z'), name('120100Z')]
    assert.deepEqual(await names(), [...others, ...kept].toSorted())

    fails = true
    await clock.advance(6 * HOUR_MS)
    await rests(4)
    assert.deepEqual(await names(), [...others, ...kept].toSorted())
    fails = false
    await clock.advance(15 * 60_000)
    await rests(5)
    assert.deepEqual(await names(), [...others, name('120100Z'), name('181600Z')].toSorted())
    await backups.stop()
    assert.equal(clock.pending(), 0)
  })
})
