import { CliError } from '../../node/commands/cli-error.ts'
import { partFolder } from '../../node/commands/options.ts'
import { table } from '../../node/commands/output.ts'
import { print, printJson, say } from '../../node/commands/print.ts'
import { silentLogger } from '../../node/logger.ts'
import type { UpkeepRow } from '../../node/upkeep/findings.ts'
import { ownVersion } from '../../node/version.ts'
import { shownBytes } from '../../protocol/units.ts'
import { compactGateway, findProblems, REPAIR, repairGateway, UpkeepError } from '../upkeep/index.ts'

/** Of all three. */
export interface UpkeepOptions {
  data: string
  json?: true
}

/** Of `repair`. */
export interface RepairOptions extends UpkeepOptions {
  dryRun?: true
  /** False with `--no-backup`. */
  backup: boolean
}

/** Exit code where nothing fails, and something is left over, as that of `cortex doctor`. */
const ONLY_WARNINGS = 2

/** `cortex gateway check`. */
export async function check(options: UpkeepOptions): Promise<void> {
  const rows = await told(findProblems(placeOf(options)))
  show(rows, options)
}

/** `cortex gateway repair`. */
export async function repair(options: RepairOptions): Promise<void> {
  const place = placeOf(options)
  if (options.dryRun === true) {
    const rows = await told(findProblems(place))
    const mended = rows.filter(({ remedy }) => remedy.startsWith(REPAIR))
    if (mended.length > 0 || options.json === true) show(mended, options)
    process.exitCode = 0
    if (options.json !== true)
      say(mended.length === 0 ? 'There is nothing to mend.' : 'Nothing was changed (--dry-run).')
    return
  }
  const init = { ...place, backup: options.backup, version: await ownVersion(), nowMs: Date.now() }
  const repaired = await told(repairGateway({ ...init, logger: silentLogger, say }))
  const left = repaired.rows.filter(({ state }) => state !== 'ok')
  if (options.json === true) printJson({ ok: isOk(repaired.rows), ...repaired })
  else if (left.length > 0) show(left, options)
  if (repaired.aside !== null) say(`What was taken away is in ${repaired.aside}.`)
  if (repaired.done.length + repaired.lost.length === 0 && repaired.copy === null) say('There was nothing to mend.')
  else if (left.length === 0) say('All is well now.')
  setExitCode(repaired.rows)
}

/** `cortex gateway compact`. */
export async function compact(options: UpkeepOptions): Promise<void> {
  const compacted = await told(compactGateway(placeOf(options).folder))
  if (options.json === true) return printJson({ stores: compacted })
  print(
    ...table(
      ['STORE', 'BEFORE', 'AFTER'],
      compacted.map(({ store, beforeBytes, afterBytes }) => [store, shownBytes(beforeBytes), shownBytes(afterBytes)]),
    ),
  )
}

function placeOf(options: UpkeepOptions): { folder: string; masterKey: string | undefined } {
  return { folder: partFolder(options, 'gateway'), masterKey: process.env.CORTEX_MASTER_KEY }
}

/** Its errors as one line. */
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof UpkeepError) throw new CliError(error.message, 1, { cause: error })
    throw error
  }
}

function show(rows: UpkeepRow[], { json }: UpkeepOptions): void {
  setExitCode(rows)
  if (json === true) {
    printJson({ ok: isOk(rows), rows })
    return
  }
  print(
    ...table(
      ['', 'WHAT', 'COUNT', 'FOUND', 'WHAT TO DO'],
      rows.map(({ what, count, state, found, remedy }) => [state, what, String(count), found, remedy]),
    ),
  )
}

function isOk(rows: UpkeepRow[]): boolean {
  return rows.every(({ state }) => state !== 'fail')
}

function setExitCode(rows: UpkeepRow[]): void {
  if (!isOk(rows)) process.exitCode = 1
  else if (rows.some(({ state }) => state === 'warn')) process.exitCode = ONLY_WARNINGS
}
