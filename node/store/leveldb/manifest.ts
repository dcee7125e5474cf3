import { readVarint } from './bytes.ts'
import { readLog } from './log-file.ts'

/** Which files belong to a database. */
export interface Manifest {
  /** Number of the oldest log that is not yet in tables; 0 before anything was written. */
  log: number
  /** Number of each table → its size in bytes. */
  tables: Map<number, number>
}

/** Fields of an entry, by their tags. */
const COMPARATOR = 1
const LOG_NUMBER = 2
const NEXT_FILE = 3
const LAST_SEQUENCE = 4
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7
const PREVIOUS_LOG = 9

/** @returns the manifest, or what is wrong with it, for people */
export function readManifest(bytes: Uint8Array): Manifest | string {
  const { damage, records } = readLog(bytes)
  if (damage !== null) return damage
  if (records.length === 0) return 'nothing in it'
  const manifest: Manifest = { log: 0, tables: new Map() }
  for (const record of records) if (!applyEntry(manifest, record)) return 'an entry that cannot be read'
  return manifest
}

function applyEntry(manifest: Manifest, bytes: Uint8Array): boolean {
  let at = 0
  let isWhole = true

  function number(): number {
    const read = readVarint(bytes, at)
    isWhole &&= read !== null
    at = read?.next ?? bytes.length
    return read?.value ?? 0
  }

  function skipText(): void {
    const length = number()
    at += length
    isWhole &&= at <= bytes.length
  }

  while (isWhole && at < bytes.length) {
    switch (number()) {
      case COMPARATOR:
        skipText()
        break
      case LOG_NUMBER:
        manifest.log = number()
        break
      case NEXT_FILE:
      case LAST_SEQUENCE:
      case PREVIOUS_LOG:
        number()
        break
      case COMPACT_POINTER:
        number()
        skipText()
        break
      case DELETED_FILE:
        number()
        manifest.tables.delete(number())
        break
      case NEW_FILE: {
        number()
        const table = number()
        manifest.tables.set(table, number())
        skipText()
        skipText()
        break
      }
      default:
        return false
    }
  }
  return isWhole
}
