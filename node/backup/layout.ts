import { DERIVED_KEYS } from '../store/tables.ts'

/** Whose data folder it is. */
export type BackupKind = 'gateway' | 'agent'

/** What of a data folder goes into a backup; everything else there is made anew, or means nothing elsewhere. */
export interface Layout {
  /** Files by their place in the folder, those that are there. */
  files: readonly string[]
  /** Databases by their name: the folder in which each is, and what of it is left out. */
  stores: Readonly<Record<string, { folder: string; leftOut: readonly string[] }>>
  /** Folders of files, only where they are asked for. */
  folders: readonly string[]
}

/** Of each kind. The identity is always among the files, and the first. */
export const LAYOUTS: Readonly<Record<BackupKind, Layout>> = {
  gateway: {
    files: [
      'identity.key',
      'master.key',
      'admin.key',
      'ssh-host.key',
      'acme/account.key',
      'acme/cert.pem',
      'acme/key.pem',
    ],
    stores: { jobs: { folder: '', leftOut: DERIVED_KEYS }, records: { folder: 'records', leftOut: [] } },
    folders: ['outputs', 'uploads'],
  },
  agent: {
    files: ['identity.key', 'measured.json'],
    stores: { journal: { folder: '', leftOut: [] } },
    folders: ['outputs'],
  },
}

/** Names of files in {@link Layout.folders}: they lead nowhere else. */
export const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/

/** First entry of a backup: what it is of. */
export const HEAD = 'cortex-backup.json'
/** Last entry: what there has to be in it. */
export const SUMS = 'sums.json'

/** What is written into {@link HEAD}. */
export interface BackupHead {
  /** Of this layout of the file. */
  format: 1
  kind: BackupKind
  /** Whose key is in it. */
  peerId: string
  /** Of the program that made it. */
  version: string
  /** The moment that it is of, ms since the epoch. */
  createdAtMs: number
  /** Whether the folders of files are in it. */
  withFiles: boolean
}

/** What is written into {@link SUMS}. */
export interface BackupSums {
  /** Name, size and SHA-256 in hex of each part before, in order. */
  parts: [name: string, bytes: number, sha256: string][]
  /** Records by store and table. */
  records: Record<string, Record<string, number>>
  /** SHA-256 in hex of `parts` as JSON. */
  whole: string
}

/** The table that a key of a database names; empty for what stands beside all of them. */
export function tableOf(key: string): string {
  return /^!([^!]+)!/.exec(key)?.[1] ?? ''
}

/** A backup that cannot be made, read or put back; the message says what is wrong, and what to do. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
  readonly code: 'BACKUP_DAMAGED' | 'BACKUP_LOCKED' | 'BACKUP_REFUSED'

  constructor(code: BackupError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
