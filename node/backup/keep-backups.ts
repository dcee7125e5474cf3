import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { onAbort } from '../abort.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { PART, writeBackupFile } from './backup-file.ts'
import type { BackupKind } from './layout.ts'
import { stampOf } from './restore.ts'

/** When backups are made by themselves, and how many are kept. */
export interface BackupPlan {
  /** Made where it is missing, for its owner alone. */
  folder: string
  everyMs: number
  /** The newest ones; older ones are removed once there is a newer one. */
  keep: number
  withFiles: boolean
  /** Null where they are not encrypted. */
  passphrase: string | null
}

/** What {@link startBackups} works with. */
export interface KeepBackupsComponents {
  kind: BackupKind
  peerId: string
  /** A new one. */
  make(withFiles: boolean): Promise<Readable>
  clock: Clock
  logger: Logger
}

/** Before the first: a start has more urgent work, in ms. */
const FIRST_MS = 60_000
/** After one that failed, in ms, at most. */
const AGAIN_MS = 15 * 60_000

/** Makes them until it is stopped. */
export function startBackups(components: KeepBackupsComponents, plan: BackupPlan): { stop(): Promise<void> } {
  const scope = new AbortController()
  const running = keepBackups(components, plan, scope.signal)
  return {
    async stop() {
      scope.abort()
      await running
    },
  }
}

/**
 * Makes backups again and again, each so long after the newest that is there, over restarts, too. Only files that are
 * called as this peer's own are ever removed.
 */
async function keepBackups(components: KeepBackupsComponents, plan: BackupPlan, signal: AbortSignal): Promise<void> {
  const { clock, logger } = components
  let failed = false
  while (!signal.aborted) {
    const last = (await namesOf(components, plan).catch(() => []))[0]
    const dueMs = last === undefined ? 0 : timeOf(last) + plan.everyMs
    const waitMs = failed ? Math.min(AGAIN_MS, plan.everyMs) : Math.max(dueMs - clock.nowMs(), FIRST_MS)
    // Aborted: the loop ends. No longer than the time between two, whatever the names of files say.
    await clock.sleep(Math.min(waitMs, Math.max(plan.everyMs, FIRST_MS)), signal).catch(() => undefined)
    if (signal.aborted) return
    try {
      await makeOne(components, plan, signal)
      failed = false
    } catch (error) {
      if (signal.aborted) return
      failed = true
      logger.error({ error: String(error), folder: plan.folder }, 'no backup could be made; it is tried again')
    }
  }
}

/** Makes one, and removes those that are too many then. */
async function makeOne(components: KeepBackupsComponents, plan: BackupPlan, signal: AbortSignal): Promise<void> {
  const { clock, logger, make } = components
  await mkdir(plan.folder, { recursive: true, mode: 0o700 })
  const name = `${prefixOf(components)}${stampOf(clock.nowMs())}.tar${plan.passphrase === null ? '' : '.age'}`
  const source = await make(plan.withFiles)
  onAbort(signal, () => source.destroy(new Error('The program ends')))
  const { bytes } = await writeBackupFile(source, { path: join(plan.folder, name), passphrase: plan.passphrase })
  logger.info({ file: name, bytes }, 'made a backup')
  for (const old of (await namesOf(components, plan)).slice(plan.keep))
    await rm(join(plan.folder, old), { force: true })
  // What a process that was killed left behind.
  const parts = (await readdir(plan.folder)).filter((file) => isOwn(components, file) && file.endsWith(PART))
  for (const part of parts) await rm(join(plan.folder, part), { force: true })
}

/** When the newest of a peer's backups in a folder was made, ms since the epoch; null where there is none. */
export async function newestBackup(peer: Peer, folder: string): Promise<number | null> {
  const [last] = await namesOf(peer, { folder })
  return last === undefined ? null : timeOf(last)
}

type Peer = Pick<KeepBackupsComponents, 'kind' | 'peerId'>

/** This peer's own, the newest first. */
async function namesOf(components: Peer, { folder }: Pick<BackupPlan, 'folder'>): Promise<string[]> {
  const names = await readdir(folder)
  return names
    .filter((name) => isOwn(components, name) && /Z\.tar(\.age)?$/.test(name))
    .toSorted((a, b) => timeOf(b) - timeOf(a))
}

/** Two gateways may keep theirs in one folder. */
function prefixOf({ kind, peerId }: Peer): string {
  return `cortex-${kind}-${peerId.slice(-8)}-`
}

function isOwn(components: Peer, name: string): boolean {
  return name.startsWith(prefixOf(components)) && STAMP.test(name)
}

const STAMP = /-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.tar/

function timeOf(name: string): number {
  const [, year, month, day, hour, minute, second] = (STAMP.exec(name) ?? []).map(Number)
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)
}
