import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { exists } from '../../node/exists.ts'
import { loadIdentity } from '../../node/identity.ts'
import { createOutputsCheck } from '../../node/outputs/check-outputs.ts'
import { readPrivateFile } from '../../node/private-file.ts'
import { checkStore, readableJob } from '../../node/store/check-store.ts'
import { type Database, openDatabase, openLocked } from '../../node/store/database.ts'
import { lockFolder } from '../../node/store/folder-lock.ts'
import { inspectStore } from '../../node/store/inspect-store.ts'
import { createSecretBox, type SecretBox } from '../../node/store/secret-box.ts'
import type { Found, LookedAt, Problem } from '../../node/upkeep/problem.ts'
import { checkUploads } from '../../node/uploads/check-uploads.ts'
import { checkTables } from './check-tables.ts'
import { checkLeftovers } from './leftovers.ts'

/** The databases of a gateway, as backups call them, and where they are in its folder. */
export const STORES = { jobs: '', records: 'records' } as const
/** One of {@link STORES}. */
export type StoreName = keyof typeof STORES

/** The largest `master.key` that is read, in bytes. */
const MAX_KEY_BYTES = 65_536

/** What is looked at, and who hears of it. */
export interface GatewayCheck {
  /** The gateway's own, `DATA/gateway`. */
  folder: string
  /** Of `CORTEX_MASTER_KEY`, where that is set. */
  masterKey: string | undefined
  /** Told of each problem: where it is, and in which of the databases; those of no database are in `jobs`. */
  onProblem(what: string, problem: Problem, store: StoreName, database: Database | null): Promise<void>
  looked(lookedAt: LookedAt): void
  /** Resolves when what mends so far is written. */
  settled(): Promise<void>
}

/** Why nothing can be looked at; the message says what to do. */
export class UpkeepError extends Error {
  override readonly name = 'UpkeepError'
  readonly code: 'NO_GATEWAY' | 'GATEWAY_RUNS'

  constructor(code: UpkeepError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * Does something with a gateway's folder, which is locked until that has ended: no gateway can start meanwhile.
 *
 * @throws {UpkeepError} where there is no gateway, or it runs
 */
export async function whileStopped<T>(folder: string, work: () => Promise<T>): Promise<T> {
  await access(join(folder, 'identity.key')).catch(async (cause: unknown) => {
    await access(join(folder, 'db')).catch(() => {
      throw new UpkeepError('NO_GATEWAY', `There is no gateway in ${folder}: give the --data that it was given`, {
        cause,
      })
    })
  })
  const lock = await lockFolder(folder)
  if (lock === null) throw new UpkeepError('GATEWAY_RUNS', `The gateway in ${folder} runs: stop it first`)
  try {
    return await work()
  } finally {
    await lock.release()
  }
}

/** Opens a database of a gateway by its place in the folder, to be called within {@link whileStopped}. @throws {DataFolderError} */
export async function openPlace(folder: string, place: string): Promise<Database> {
  // The lock of the jobs is that of the whole folder, and outlasts this.
  if (place === STORES.jobs) return await openLocked(folder, { release: async () => undefined })
  return await openDatabase(join(folder, place))
}

/**
 * Reads all that a gateway keeps, to be called within {@link whileStopped}. Changes nothing by itself.
 *
 * @throws {DataFolderError} where a newer version wrote it
 */
export async function checkGateway(check: GatewayCheck): Promise<void> {
  const { folder, looked } = check
  await using stack = new AsyncDisposableStack()
  await checkIdentity(check)
  const jobs = await openStore(check, 'jobs')
  if (jobs !== null) stack.defer(async () => await jobs.close())
  const records = await openStore(check, 'records')
  if (records !== null) stack.defer(async () => await records.close())
  const secretBox = await secretBoxOf(check)
  const foundIn =
    (store: StoreName, database: Database | null) =>
    (what: string): Found =>
    async (problem) =>
      await check.onProblem(what, problem, store, database)
  if (jobs !== null) {
    const found = foundIn('jobs', jobs)
    const outputs = createOutputsCheck({
      ...{ folder: join(folder, 'outputs'), looked, found: found('outputs') },
      jobOf: async (id) => await readableJob(jobs, id),
    })
    await checkStore({
      ...{ database: jobs, secretBox, found, looked, settled: check.settled },
      onJob: outputs.job,
    })
    await outputs.files()
  }
  await checkUploads({ folder: join(folder, 'uploads'), looked, found: foundIn('jobs', jobs)('uploads') })
  if (records !== null) {
    await checkTables({
      ...{ records, secretBox, looked, found: foundIn('records', records) },
      jobs: jobs === null ? null : jobsIn(jobs),
    })
  }
  await checkLeftovers({ folder, looked, found: foundIn('jobs', jobs)('leftovers') })
  await check.settled()
}

/** Opens one of the databases; null where it cannot be, which is told. */
async function openStore({ folder, onProblem, looked }: GatewayCheck, store: StoreName): Promise<Database | null> {
  const own = join(folder, STORES[store])
  const what = `files of ${store}`
  const { kind, problem, refusals } = await inspectStore(own, true)
  const without = kind === 'without-manifest' ? [problem] : []
  looked({ what, count: 1 })
  if (kind === 'new' && refusals.length > 0) {
    const remedy = 'restore a backup: cortex gateway restore FILE --replace'
    await onProblem(what, { kind: 'gone', which: own, remedy, mend: null }, store, null)
    return null
  }
  for (const which of [...refusals, ...without]) {
    const mend = { how: 'what is whole in them is made into a new store' }
    await onProblem(what, { kind: 'damaged', which, remedy: null, mend }, store, null)
  }
  if (refusals.length > 0 || without.length > 0 || kind === 'new') return null
  return await openPlace(folder, STORES[store])
}

async function checkIdentity({ folder, onProblem, looked }: GatewayCheck): Promise<void> {
  looked({ what: 'identity', count: 1 })
  const tell = async (which: string): Promise<void> => {
    const remedy = 'put back identity.key from a backup'
    await onProblem('identity', { kind: 'no key', which, remedy, mend: null }, 'jobs', null)
  }
  const path = join(folder, 'identity.key')
  // Reading it would make one.
  if (!(await exists(path))) return await tell(`${path} is missing`)
  await loadIdentity(folder).catch(async (error: unknown) => await tell((error as Error).message))
}

/** With the key that is there; without one, nothing opens. */
async function secretBoxOf({ folder, masterKey }: GatewayCheck): Promise<SecretBox> {
  if (masterKey !== undefined) return createSecretBox(masterKey)
  const file = await readPrivateFile(join(folder, 'master.key'), MAX_KEY_BYTES)
  if (file !== undefined && 'text' in file) return createSecretBox(file.text.trim())
  const none = (): never => {
    throw new Error('There is no master.key')
  }
  return { seal: none, open: none }
}

function jobsIn(database: Database) {
  return {
    has: async (id: string): Promise<boolean> => (await database.get(`!jobs!${id}`)) !== undefined,
    async feedEnd(): Promise<number> {
      const [last] = await database.keys({ gt: '!feed!', lt: '!feed"', reverse: true, limit: 1 }).all()
      return last === undefined ? 0 : Number(last.slice('!feed!'.length))
    },
  }
}
