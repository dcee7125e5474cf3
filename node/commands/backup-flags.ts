import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { BackupPlan } from '../backup/keep-backups.ts'
import { systemProblem } from '../system-problem.ts'
import { CliError } from './cli-error.ts'
import { secondsWithin } from './docker-amounts.ts'
import { wholeNumber } from './options.ts'

/** Flags of a command whose data is backed up while it runs; see {@link withBackupOptions}. */
export interface BackupOptions {
  backupTo?: string
  /** Seconds. */
  backupEvery?: number
  backupKeep?: number
  backupWithFiles?: true
  backupPassphraseFile?: string
}

/** The shortest password that age's own makers advise, in UTF-16 units. */
const SHORTEST = 8
const DAY_SECONDS = 86_400
const KEEP = 7

/** Adds `--backup-…`. */
export function withBackupOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--backup-to <folder>',
        'make backups there by itself; each holds the private key of this peer, and whoever has that is this peer',
      ).env('CORTEX_BACKUP_TO'),
    )
    .addOption(
      new Option('--backup-every <time>', 'so long after the one before, such as 6h or 1d (1d)')
        .env('CORTEX_BACKUP_EVERY')
        .argParser(secondsWithin(60, 365 * DAY_SECONDS)),
    )
    .addOption(
      new Option('--backup-keep <number>', `as many of the newest (${KEEP})`)
        .env('CORTEX_BACKUP_KEEP')
        .argParser(wholeNumber(1, 10_000)),
    )
    .addOption(
      new Option('--backup-with-files', 'with outputs and uploads, which may be large').env('CORTEX_BACKUP_WITH_FILES'),
    )
    .addOption(
      new Option('--backup-passphrase-file <file>', 'encrypt them with the first line of this file').env(
        'CORTEX_BACKUP_PASSPHRASE_FILE',
      ),
    )
}

/** What the flags say; undefined where none are to be made. @throws {CliError} */
export function backupPlanOf(options: BackupOptions): BackupPlan | undefined {
  const { backupTo, backupEvery, backupKeep, backupWithFiles, backupPassphraseFile } = options
  if (backupTo === undefined) {
    const more = [backupEvery, backupKeep, backupWithFiles, backupPassphraseFile]
    if (more.every((one) => one === undefined || (one as unknown) === false)) return undefined
    throw new CliError(
      '--backup-every, --backup-keep, --backup-with-files and --backup-passphrase-file need --backup-to',
    )
  }
  return {
    folder: backupTo,
    everyMs: (backupEvery ?? DAY_SECONDS) * 1_000,
    keep: backupKeep ?? KEEP,
    withFiles: backupWithFiles === true,
    passphrase: passphraseIn(backupPassphraseFile),
  }
}

/** Of the file, or of `CORTEX_BACKUP_PASSPHRASE`; null where neither says one. @throws {CliError} */
export function passphraseIn(file: string | undefined): string | null {
  const text = file === undefined ? process.env.CORTEX_BACKUP_PASSPHRASE : firstLine(file)
  return text === undefined ? null : longEnough(text, file ?? 'CORTEX_BACKUP_PASSPHRASE')
}

/** @throws {CliError} where it is guessed too easily */
export function longEnough(text: string, where: string): string {
  if (text.length >= SHORTEST) return text
  throw new CliError(`The passphrase of ${where} has fewer than ${SHORTEST} characters: take a longer one`)
}

function firstLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0] ?? ''
  } catch (cause) {
    throw new CliError(`The passphrase cannot be read: ${systemProblem(cause) ?? String(cause)}`, 1, { cause })
  }
}
