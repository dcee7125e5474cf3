import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { NOWHERE } from '../../../../node/backup/backup-file.ts'
import { type BackupSummary, readBackup } from '../../../../node/backup/read-backup.ts'
import { restoreBackup } from '../../../../node/backup/restore.ts'
import type { BackupSource } from '../../../../node/backup/write-backup.ts'
import { systemClock } from '../../../../node/clock.ts'
import { loadIdentity } from '../../../../node/identity.ts'
import { type Database, openDatabase } from '../../../../node/store/database.ts'
import { openDump } from '../../../../node/store/dump.ts'
import type { JobStore } from '../../../../node/store/index.ts'
import { openJobStore } from '../../../../node/store/job-store.ts'
import { createSecretBox, loadMasterKey } from '../../../../node/store/secret-box.ts'
import { jobSubmissionSchema, splitSecrets } from '../../../../protocol/job-spec.ts'
import { sampleLease } from '../../../support/sample-lease.ts'

export const RECEIPT = { provider: 'cHJvdmlkZXI=', requester: 'cmVxdWVzdGVy' }
export const HOW = { withFiles: false, version: '1.2.3', nowMs: 1_700_000_000_000 }

export interface Home {
  folder: string
  store: JobStore
  records: Database
  peerId: string
  close(): Promise<void>
}

export async function openHome(folder: string): Promise<Home> {
  const database = await openDatabase(folder)
  const peerId = peerIdFromPrivateKey(await loadIdentity(folder)).toString()
  const secretBox = createSecretBox(await loadMasterKey(folder))
  const store = await openJobStore({ database, secretBox, clock: systemClock })
  const records = await openDatabase(join(folder, 'records'))
  return {
    ...{ folder, store, records, peerId },
    async close() {
      await records.close()
      await store.close()
    },
  }
}

export async function endJob({ store }: Home, name: string): Promise<string> {
  const spec = jobSubmissionSchema.parse({ image: 'busybox', labels: { name }, secrets: { TOKEN: `of ${name}` } })
  const { job } = await store.create({ owner: 'alice', ...splitSecrets(spec) })
  const lease = { ...sampleLease(), receipt: RECEIPT, settled: true }
  const line = { timestampMs: 1, stream: 'stdout' as const, line: `I am ${name} — ü`, partial: false }
  await store.change(job.id, (draft) => {
    const times = { scheduledAtMs: 5, startedAtMs: 6 }
    draft.transition({
      expect: ['pending'],
      to: { status: 'scheduled', lease, scheduledAtMs: 5 },
      by: 'provider',
      event: 'scheduled',
    })
    draft.transition({
      expect: ['scheduled'],
      to: { status: 'running', lease, ...times },
      by: 'provider',
      event: 'started',
    })
    draft.logs(1, [line])
    const to = { status: 'completed', lease, ...times, endedAtMs: 7, exitCode: 0 } as const
    draft.transition({ expect: ['running'], to, by: 'provider', event: 'completed' })
  })
  return job.id
}

export function sourceOf({ store, records, folder, peerId }: Home): BackupSource {
  return { kind: 'gateway', peerId, folder, dumps: { jobs: store.dump(), records: openDump(records) } }
}

/** What somebody sees of a store. */
export async function seen({ store }: Home, id: string) {
  return {
    job: await store.get(id),
    log: await store.logs(id, 1, 100),
    events: await store.events(id),
    secrets: await store.secrets(id),
  }
}

export const noPassphrase = async (): Promise<never> => assert.fail('no passphrase is needed')
export const restoreInto =
  (folder: string, more: object = {}) =>
  async (content: Readable) =>
    await restoreBackup(content, { kind: 'gateway', folder, replace: false, nowMs: HOW.nowMs, ...more })
export const verify = async (content: Readable): Promise<BackupSummary> => await readBackup(content, NOWHERE)
