import { cp, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeBackupFile } from '../../node/backup/backup-file.ts'
import { openStopped } from '../../node/backup/open-stopped.ts'
import { stampOf } from '../../node/backup/restore.ts'
import { writeBackup } from '../../node/backup/write-backup.ts'
import { exists } from '../../node/exists.ts'
import type { Logger } from '../../node/logger.ts'
import { remakeLists, writesAfterSalvage } from '../../node/store/check-store.ts'
import { salvageStore, storePlaces } from '../../node/store/inspect-store.ts'
import { type AsideFolder, createAsideFolder } from '../../node/upkeep/aside-folder.ts'
import { createFindings, type UpkeepRow } from '../../node/upkeep/findings.ts'
import { checkGateway, type GatewayCheck, openPlace, STORES, type StoreName, whileStopped } from './check-gateway.ts'
import { createMender, type Done } from './mender.ts'

/** Passes until what one mends brings nothing else to light: what belongs to what was set aside is found by the same. */
const MOST_PASSES = 5

/** What a repair is told. */
export interface RepairInit {
  folder: string
  masterKey: string | undefined
  /** Whether what is there is copied before. */
  backup: boolean
  version: string
  nowMs: number
  logger: Logger
  /** Told what happens, for people, as it does. */
  say(line: string): void
}

/** What came of a repair. */
export interface Repaired {
  /** Where what was there before is; null where nothing was changed, or no copy was wanted. */
  copy: string | null
  /** Where what was taken away is; null where nothing was. */
  aside: string | null
  /** What was lost with damaged files, for people. */
  lost: string[]
  done: Done[]
  /** As a check finds it afterwards. */
  rows: UpkeepRow[]
}

/** Which command mends; said in the remedies of a check. */
export const REPAIR = 'cortex gateway repair'

/** A check, with all that it found as rows. @throws {UpkeepError} @throws {DataFolderError} */
export async function findProblems(init: Pick<GatewayCheck, 'folder' | 'masterKey'>): Promise<UpkeepRow[]> {
  const { rows } = await whileStopped(init.folder, async () => await look(init))
  return rows
}

async function look(init: Pick<GatewayCheck, 'folder' | 'masterKey'>): Promise<{
  rows: UpkeepRow[]
  mends: number
  damaged: StoreName[]
  hasKey: boolean
}> {
  const findings = createFindings(REPAIR)
  const damaged = new Set<StoreName>()
  let mends = 0
  let hasKey = true
  await checkGateway({
    ...init,
    looked: findings.looked,
    settled: async () => undefined,
    async onProblem(what, problem, store, database) {
      findings.add(what, problem)
      if (what === 'identity') hasKey = false
      if (problem.mend === null) return
      mends += 1
      if (database === null && what === `files of ${store}`) damaged.add(store)
    },
  })
  return { rows: findings.rows(), mends, damaged: [...damaged], hasKey }
}

/**
 * Mends what a check finds, and nothing else. What it takes away is set aside, not deleted.
 *
 * @throws {UpkeepError} @throws {DataFolderError} where a newer version wrote it
 */
export async function repairGateway(init: RepairInit): Promise<Repaired> {
  return await whileStopped(init.folder, async () => await repairStopped(init))
}

async function repairStopped(init: RepairInit): Promise<Repaired> {
  const { folder, nowMs, say } = init
  const first = await look(init)
  if (first.mends === 0) return { copy: null, aside: null, lost: [], done: [], rows: first.rows }
  const copy = init.backup ? await copyOf(init, first.hasKey && first.damaged.length === 0) : null
  if (copy !== null) say(`What was there before is in ${copy}.`)
  const lost: string[] = []
  for (const store of first.damaged) {
    const writes = store === 'jobs' ? writesAfterSalvage(nowMs) : []
    const found = await salvageStore(join(folder, STORES[store]), writes)
    say(`The files of ${store} are made anew of what is whole in them.`)
    lost.push(...found.map((one) => `${store}: ${one}`))
  }
  for (const one of lost) say(`Lost with ${one}`)
  const aside = createAsideFolder(`${folder}.set-aside-${stampOf(nowMs)}`)
  const done: Done[] = []
  for (let pass = 0; pass < MOST_PASSES; pass += 1) {
    const mended = await mendOnce(init, aside)
    for (const { text } of mended) say(text)
    done.push(...mended)
    if (mended.length === 0) break
  }
  const { rows } = await look(init)
  return { copy, aside: aside.path(), lost, done, rows }
}

/** One check, each problem of which is mended as it is found. */
async function mendOnce({ folder, masterKey, logger }: RepairInit, aside: AsideFolder): Promise<Done[]> {
  const mender = createMender(aside)
  await checkGateway({
    ...{ folder, masterKey, settled: mender.settled },
    looked: () => undefined,
    async onProblem(what, problem, store, database) {
      await mender.mend(what, problem, store, database)
    },
  })
  const done = mender.done()
  if (done.length === 0) return done
  const database = await openPlace(folder, STORES.jobs)
  try {
    await remakeLists({ database, logger })
  } finally {
    await database.close()
  }
  return done
}

/** A backup, or where none can be made, as without the key, the files of the databases as they are. */
async function copyOf({ folder, version, nowMs }: RepairInit, canBackUp: boolean): Promise<string> {
  const path = `${folder}.before-repair-${stampOf(nowMs)}`
  if (canBackUp) {
    const source = await openStopped('gateway', folder, async (place) => await openPlace(folder, place))
    try {
      const stream = writeBackup(source, { withFiles: false, version, nowMs })
      await writeBackupFile(stream, { path: `${path}.tar`, passphrase: null })
    } finally {
      await source.close()
    }
    return `${path}.tar`
  }
  await mkdir(path, { mode: 0o700 })
  try {
    for (const place of Object.values(STORES)) {
      const { location } = storePlaces(join(folder, place))
      if (!(await exists(location))) continue
      await cp(location, join(path, place, 'db'), {
        recursive: true,
        dereference: true,
        errorOnExist: true,
        force: false,
      })
    }
  } catch (error) {
    // Half a copy is none.
    await rm(path, { recursive: true, force: true })
    throw error
  }
  return path
}
