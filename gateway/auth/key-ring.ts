import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../node/clock.ts'
import type { Records } from '../records.ts'
import type { Grant } from './permissions.ts'

/** Id and owner of the key that a gateway makes for itself. */
export const ADMIN_KEY_ID = 'admin'
const ADMIN_OWNER = 'admin'

export interface KeyRecord {
  /** `key_` and 16 hex digits, or `admin`. */
  id: string
  name: string
  owner: string
  grants: Grant[]
  /** SHA-256 of the key, hex. */
  digest: string
  createdAtMs: number
  /** Null: never. */
  expiresAtMs: number | null
}

export interface NewKey {
  name: string
  owner: string
  grants: Grant[]
  expiresAtMs: number | null
}

/** The keys of a gateway. They are few, so all are in memory; only hashes are kept. */
export interface KeyRing {
  /** The key with this text, where it exists and has not expired. */
  authenticate(text: string): KeyRecord | undefined
  /** A key by its id, where it has not expired. */
  get(id: string): KeyRecord | undefined
  /** Expired ones, too; oldest first. */
  list(owner?: string): KeyRecord[]
  /** `text` is shown once and kept nowhere. */
  create(key: NewKey): Promise<{ key: KeyRecord; text: string }>
  /** Whether there was one. The admin key cannot be revoked: change its file or variable. */
  revoke(id: string): Promise<boolean>
  /** Calls back when a key has been revoked. */
  onRevoked(callback: () => void): void
}

export interface KeyRingComponents {
  records: Pick<Records, 'keys'>
  clock: Clock
}

/** @param init.adminKey text of the admin key */
export async function openKeyRing(components: KeyRingComponents, init: { adminKey: string }): Promise<KeyRing> {
  const { records, clock } = components
  const byId = new Map<string, KeyRecord>()
  const byDigest = new Map<string, KeyRecord>()
  const listeners: (() => void)[] = []

  function remember(key: KeyRecord): void {
    byId.set(key.id, key)
    byDigest.set(key.digest, key)
  }

  function valid(key: KeyRecord | undefined): KeyRecord | undefined {
    return key === undefined || (key.expiresAtMs !== null && key.expiresAtMs <= clock.nowMs()) ? undefined : key
  }

  for await (const key of records.keys.values()) remember(key)
  remember({
    id: ADMIN_KEY_ID,
    name: 'Admin key of this gateway',
    owner: ADMIN_OWNER,
    grants: ['admin'],
    digest: digestOf(init.adminKey),
    createdAtMs: 0,
    expiresAtMs: null,
  })

  return {
    authenticate(text) {
      const digest = digestOf(text)
      const key = valid(byDigest.get(digest))
      // The lookup goes by a hash that a guesser cannot steer; the comparison of the whole takes the same time always.
      return key !== undefined && timingSafeEqual(Buffer.from(digest), Buffer.from(key.digest)) ? key : undefined
    },
    get: (id) => valid(byId.get(id)),
    list: (owner) =>
      [...byId.values()]
        .filter((key) => owner === undefined || key.owner === owner)
        .toSorted((a, b) => a.createdAtMs - b.createdAtMs),
    async create(init) {
      const text = newKeyText()
      const id = `key_${randomBytes(8).toString('hex')}`
      const key = { id, ...init, digest: digestOf(text), createdAtMs: clock.nowMs() }
      await records.keys.put(id, key, { sync: true } as object)
      remember(key)
      return { key, text }
    },
    async revoke(id) {
      const key = byId.get(id)
      if (key === undefined || id === ADMIN_KEY_ID) return false
      byId.delete(id)
      byDigest.delete(key.digest)
      for (const tell of listeners) tell()
      await records.keys.del(id)
      return true
    },
    onRevoked: (callback) => void listeners.push(callback),
  }
}

/** A new key's text: 192 random bits. */
export function newKeyText(): string {
  return `ck_${randomBytes(24).toString('base64url')}`
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
