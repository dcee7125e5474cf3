/** A stopped gateway's folder with something in each of its tables, without a network. */

import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { silentLogger } from '../../../../node/logger.ts'
import { type Database, openDatabase } from '../../../../node/store/database.ts'
import { createSecretBox, loadMasterKey } from '../../../../node/store/secret-box.ts'
import { endJob, openHome } from '../../../node/backup/support/home.ts'

export interface StoppedHome {
  folder: string
  /** Oldest first. */
  jobs: string[]
  sha256: string
}

const CONTENT = 'rows of an upload'

/** Ended jobs with secrets, logs and an output each, one that waits, an upload, and records of the gateway. */
export async function stoppedHome(folder: string, count: number): Promise<StoppedHome> {
  const home = await openHome(folder)
  const jobs: string[] = []
  for (let i = 0; i < count; i += 1) jobs.push(await endJob(home, `job-${i}`))
  await mkdir(join(folder, 'outputs'))
  for (const id of jobs.slice(0, 5)) {
    await writeFile(join(folder, 'outputs', `${id}.tar`), `output of ${id}`)
    await home.store.change(id, (draft) =>
      draft.patch({ output: { state: 'kept', bytes: `output of ${id}`.length, message: '' } }),
    )
  }
  const sha256 = createHash('sha256').update(CONTENT).digest('hex')
  await mkdir(join(folder, 'uploads'))
  await writeFile(join(folder, 'uploads', `${sha256}.blob`), CONTENT)
  const note = { id: 'upload_1', owner: 'alice', folder: false, name: 'rows', length: CONTENT.length, sha256 }
  await writeFile(join(folder, 'uploads/upload_1.json'), JSON.stringify({ ...note, createdAtMs: 1, usedAtMs: 1 }))
  const box = createSecretBox(await loadMasterKey(folder))
  const puts = Object.entries(recordsOf(jobs, box.seal)).map(([key, value]) => {
    return { type: 'put' as const, key, value: JSON.stringify(value) }
  })
  await home.records.batch(puts)
  await home.close()
  return { folder, jobs, sha256 }
}

function recordsOf(jobs: string[], seal: (id: string, text: string) => string): Record<string, unknown> {
  const owned = (id: string) => ({ id, owner: 'alice', name: id, createdAtMs: 1, updatedAtMs: 1 })
  const batch = { owner: 'alice', concurrency: 1, createdAtMs: 1, keyAt: null }
  const delivery = { webhookId: 'webhook_1', subject: 's', eventId: 'e', eventType: 'job.created', body: '{}' }
  return {
    '!templates!template_1': { ...owned('template_1'), description: '', config: { image: 'busybox' } },
    '!templates!template_2': {
      ...{ ...owned('template_2'), description: '', config: { image: 'busybox' } },
      sealed: seal('template_2', '{}'),
    },
    '!schedules!schedule_1': {
      ...{ ...owned('schedule_1'), schedule: '@hourly', timezone: 'UTC', concurrencyPolicy: 'allow', enabled: true },
      ...{ catchUp: false, stored: null, templateId: 'template_1', handledMs: 1, submittingMs: null },
      ...{ lastRuns: [{ tickMs: 1, outcome: 'submitted', jobId: jobs[0], reason: '' }], activeJobs: [] },
    },
    '!batches!batch_1': { ...batch, id: 'batch_1', status: 'running', total: 2, endedAtMs: null, counts: null },
    '!batch-members!batch_1': jobs.slice(0, 2),
    '!webhooks!webhook_1': {
      ...{ ...owned('webhook_1'), url: 'https://example.com/', events: ['job.created'], everyOwner: false },
      ...{ enabled: true, sealedSecret: seal('webhook_1', 'secret'), fingerprint: 'f', costThreshold: null },
      ...{ lastTriggeredMs: null, stats: { delivered: 0, failed: 0, retried: 0 } },
    },
    '!deliveries!webhook_1!delivery_1': {
      ...{ ...delivery, id: 'delivery_1', createdAtMs: 1, status: 'retrying', attempts: 0, tries: 0 },
      ...{ nextAttemptMs: 1, responseCode: null, responseTimeMs: null, error: null },
    },
    '!delivery-queue!webhook_1!delivery_1': { subject: 's', nextAttemptMs: 1, delayMs: 0 },
    '!keys!key_1': { ...owned('key_1'), grants: ['jobs:read'], digest: '00', expiresAtMs: null },
    '!meta!webhooks-feed': '3',
  }
}

/** What a store holds, by key, as it is stored; without its own mark. */
export async function rawOf(folder: string, beginning = ''): Promise<Map<string, string>> {
  const database = await openDatabase(folder)
  try {
    const all = await database.iterator({ gte: beginning, lt: `${beginning}\u{10ffff}` }).all()
    return new Map(all.filter(([key]) => key !== 'form'))
  } finally {
    await database.close()
  }
}

export async function inDatabase(folder: string, work: (database: Database) => Promise<void>): Promise<void> {
  const database = await openDatabase(folder)
  try {
    await work(database)
  } finally {
    await database.close()
  }
}

export const repairInit = (folder: string) => ({
  ...{ folder, masterKey: undefined, backup: true, version: '1.2.3', nowMs: 1_700_000_000_000 },
  ...{ logger: silentLogger, say: () => undefined },
})
