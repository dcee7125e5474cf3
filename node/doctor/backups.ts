/** Whether what an owner would need on a bad day is there. */

import { join } from 'node:path'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { brokenRestores } from '../backup/broken-restores.ts'
import { newestBackup } from '../backup/keep-backups.ts'
import type { BackupKind } from '../backup/layout.ts'
import type { BackupOptions } from '../commands/backup-flags.ts'
import { ago } from '../commands/output.ts'
import { exists } from '../exists.ts'
import { loadIdentity } from '../identity.ts'
import { type Check, type Finding, fine } from './check.ts'

/** What the checks are told of a part that has backups. */
export interface BackupsCheckInit {
  kind: BackupKind
  /** Its own folder. */
  folder: string
  options: Pick<BackupOptions, 'backupTo' | 'backupEvery'>
  isRunning: boolean
}

const DAY_SECONDS = 86_400
/** One that is made takes a while, and one that failed is tried again, in ms. */
const LATE_MS = 30 * 60_000

/** How old the newest backup is where they are made by themselves, and restores that were broken off where there are any. */
export function backupsChecks(init: BackupsCheckInit): Check[] {
  const { backupTo } = init.options
  const backups: Check = { name: 'backups', run: async () => await backupsFinding(init, backupTo ?? '') }
  const restores: Check = { name: 'restores', run: async () => await restoresFindings(init.folder) }
  return [...(backupTo === undefined ? [] : [backups]), restores]
}

async function backupsFinding({ kind, folder, options, isRunning }: BackupsCheckInit, to: string): Promise<Finding> {
  const check = 'backups'
  const everyMs = (options.backupEvery ?? DAY_SECONDS) * 1_000
  const newest = await newestIn(kind, folder, to)
  const remedy = `see why in the log of the ${kind}, which makes them while it runs`
  if (newest === null) {
    const found = `there is none in ${to}`
    return isRunning
      ? { check, state: 'warn', found, remedy }
      : fine(check, `${found} yet: the first comes once it runs`)
  }
  const ageMs = Date.now() - newest
  const found = `the newest in ${to} is ${ago(ageMs)} old, and one is made every ${ago(everyMs)}`
  return ageMs <= everyMs + LATE_MS ? fine(check, found) : { check, state: 'warn', found, remedy }
}

async function newestIn(kind: BackupKind, folder: string, to: string): Promise<number | null> {
  const isThere = await Promise.all([join(folder, 'identity.key'), to].map(async (path) => await exists(path)))
  // Reading an identity would make one.
  if (isThere.includes(false)) return null
  const peerId = peerIdFromPrivateKey(await loadIdentity(folder)).toString()
  return await newestBackup({ kind, peerId }, to)
}

async function restoresFindings(folder: string): Promise<Finding[]> {
  return (await brokenRestores(folder)).map((path): Finding => {
    const found = `${path} is left of a restore that was broken off`
    return { check: 'restores', state: 'warn', found, remedy: `run: rm -r ${path}` }
  })
}
