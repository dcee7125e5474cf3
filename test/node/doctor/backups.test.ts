import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { stampOf } from '../../../node/backup/restore.ts'
import { backupsChecks } from '../../../node/doctor/backups.ts'
import { runChecks } from '../../../node/doctor/check.ts'
import { loadIdentity } from '../../../node/identity.ts'

const HOUR = 3_600_000

describe('what cortex doctor says of backups', () => {
  let root: string
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'cortex-doctor-'))
  })
  after(async () => await rm(root, { recursive: true, force: true }))

  const look = async (isRunning: boolean) =>
    await runChecks(
      backupsChecks({
        ...{ kind: 'gateway', folder: join(root, 'gateway'), isRunning },
        options: { backupTo: join(root, 'backups'), backupEvery: 6 * 3_600 },
      }),
    )

  it('is how old the newest of this peer is, and a warning where it is late', async () => {
    assert.deepEqual(
      (await look(false)).map(({ state }) => state),
      ['ok'],
      'nothing was started yet',
    )
    const folder = join(root, 'gateway')
    await mkdir(join(root, 'backups'))
    const peerId = peerIdFromPrivateKey(await loadIdentity(folder)).toString()
    assert.deepEqual(
      (await look(true)).map(({ state }) => state),
      ['warn'],
    )
    const backup = async (ageMs: number, of = peerId) =>
      await writeFile(join(root, 'backups', `cortex-gateway-${of.slice(-8)}-${stampOf(Date.now() - ageMs)}.tar`), '')
    await backup(HOUR, 'another-')
    await backup(20 * HOUR)
    const [late] = await look(true)
    assert.equal(late?.state, 'warn')
    assert.match(late.found, /20 h old, and one is made every 6 h/)
    await backup(5 * HOUR)
    const [fine] = await look(true)
    assert.deepEqual([fine?.state, /5 h old/.test(fine?.found ?? '')], ['ok', true])
  })

  it('is what a restore that was broken off left, and nothing of one that goes on', async () => {
    await mkdir(join(root, 'gateway.restoring-999999999'))
    await mkdir(join(root, `gateway.restoring-${process.pid}`))
    const found = (await look(false)).filter(({ check }) => check === 'restores')
    assert.deepEqual(
      found.map(({ state, remedy }) => [state, remedy]),
      [['warn', `run: rm -r ${join(root, 'gateway.restoring-999999999')}`]],
    )
  })
})
