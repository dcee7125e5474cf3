import type { Readable } from 'node:stream'
import { shownBytes } from '../../protocol/units.ts'
import { NOWHERE, readBackupFile, writeBackupFile } from '../backup/backup-file.ts'
import type { BackupKind } from '../backup/layout.ts'
import { openStopped } from '../backup/open-stopped.ts'
import { type BackupSummary, readBackup } from '../backup/read-backup.ts'
import { restoreBackup } from '../backup/restore.ts'
import { writeBackup } from '../backup/write-backup.ts'
import { NotRunningError, streamOf } from '../control/client.ts'
import { ownVersion } from '../version.ts'
import { askHidden } from './ask-hidden.ts'
import { longEnough, passphraseIn } from './backup-flags.ts'
import { CliError } from './cli-error.ts'
import { partFolder } from './options.ts'
import { fieldTable } from './output.ts'
import { print, printJsonLine, say } from './print.ts'

/** Of the commands that have to do with a file of a backup. */
export interface BackupFileOptions {
  data: string
  passphraseFile?: string
  json?: true
}

/** `cortex gateway backup`, `cortex agent backup`. */
export async function makeBackup(
  part: BackupKind,
  path: string,
  options: BackupFileOptions & { withFiles?: true; encrypt?: true },
): Promise<void> {
  const withFiles = options.withFiles === true
  const passphrase = passphraseIn(options.passphraseFile) ?? (options.encrypt === true ? await newPassphrase() : null)
  const { stream, close } = await openSource(part, partFolder(options, part), withFiles)
  try {
    const summary = await writeBackupFile(stream, { path, passphrase })
    show(path, summary, options)
    const how = passphrase === null ? 'Whoever has it is this peer: keep it as you keep a key.' : 'It is encrypted.'
    say(`It holds the private key of ${summary.peerId}. ${how}`)
  } finally {
    await close()
  }
}

/** `cortex gateway restore`, `cortex agent restore`. */
export async function restore(
  part: BackupKind,
  path: string,
  options: BackupFileOptions & { replace?: true },
): Promise<void> {
  const folder = partFolder(options, part)
  const init = { kind: part, folder, replace: options.replace === true, nowMs: Date.now() }
  const read = async (content: Readable) => await restoreBackup(content, init)
  const restored = await readBackupFile(path, passphraseFor(path, options), read)
  show(path, restored, options)
  if (restored.movedTo !== null) say(`What was there before is in ${restored.movedTo}.`)
  say(`It is in ${folder}. Before 'cortex ${part}' starts there, see to it that no other has this key.`)
}

/** `cortex gateway verify`, `cortex agent verify`. */
export async function verify(path: string, options: Omit<BackupFileOptions, 'data'>): Promise<void> {
  const read = async (content: Readable) => await readBackup(content, NOWHERE)
  show(path, await readBackupFile(path, passphraseFor(path, options), read), options)
}

/** Of what runs there, or where nothing does, of the folder itself. */
async function openSource(
  part: BackupKind,
  dataFolder: string,
  withFiles: boolean,
): Promise<{ stream: Readable; close(): Promise<void> }> {
  try {
    const stream = await streamOf({ part, dataFolder }, `GET /backup?files=${withFiles ? 1 : 0}`)
    return { stream, close: async () => undefined }
  } catch (error) {
    if (!(error instanceof NotRunningError)) throw error
  }
  const source = await openStopped(part, dataFolder)
  const how = { withFiles, version: await ownVersion(), nowMs: Date.now() }
  return { stream: writeBackup(source, how), close: source.close }
}

function passphraseFor(path: string, { passphraseFile }: { passphraseFile?: string }): () => Promise<string> {
  return async () => passphraseIn(passphraseFile) ?? (await typed(`Passphrase of ${path}: `))
}

async function newPassphrase(): Promise<string> {
  const first = longEnough(await typed('Passphrase for the backup: '), 'the backup')
  if ((await typed('The same again: ')) !== first) throw new CliError('The two are not the same: begin again')
  return first
}

async function typed(question: string): Promise<string> {
  if (process.stdin.isTTY) return await askHidden(question)
  throw new CliError(
    'There is no terminal to ask for the passphrase: give --passphrase-file, or CORTEX_BACKUP_PASSPHRASE',
  )
}

function show(path: string, summary: BackupSummary, { json }: { json?: true }): void {
  const { kind, peerId, version, createdAtMs, bytes, records, files } = summary
  if (json === true) {
    printJsonLine(summary)
    return
  }
  const tables = Object.entries(records).map(([store, counts]) => {
    const told = Object.entries(counts).map(([table, count]) => `${table} ${count}`)
    return [store, told.join(', ') || 'nothing'] as [string, string]
  })
  print(
    ...fieldTable([
      ['file', `${path}, whole`],
      ['of', `${kind} ${peerId}, version ${version}`],
      ['as of', new Date(createdAtMs).toISOString()],
      ['size', shownBytes(bytes)],
      ...tables,
      ...(summary.withFiles ? ([['files', String(files)]] as [string, string][]) : []),
    ]),
  )
}
