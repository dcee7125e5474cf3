import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../node/clock.ts'
import type { Grant } from '../contract/permissions.ts'
import { GatewayError } from '../http/errors.ts'
import { MAX_OWNED } from '../http/limits.ts'
import type { Table } from '../records/table.ts'

/** Id and owner of the key that a gateway makes for itself. */
export const ADMIN_KEY_ID = 'admin'

/** How far back it is kept by which key a key was made: of those that are replaced every week, for half a year. */
const MAX_MAKERS = 32

const ADMIN_OWNER = 'admin'

/** A key as it is kept: who it stands for and what it may do, never its text. */
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
  /** The key that made it, the one that made that, and so on, {@link MAX_MAKERS} at most; absent in earlier records. */
  makers?: string[]
}

/** What a key is made of; id, text and time are the key ring’s. */
export interface NewKey {
  name: string
  owner: string
  grants: Grant[]
  /** Null: never. */
  expiresAtMs: number | null
  /** Id of the key that makes it. */
  madeBy?: string
}

/** The keys of a gateway. They are few, so all are in memory; only hashes are kept. */
export interface KeyRing {
  /** The key with this text, where it exists and has not expired. */
  authenticate(text: string): KeyRecord | undefined
  /** A key by its id, where it has not expired. */
  get(id: string): KeyRecord | undefined
  /** Expired ones, too; oldest first. */
  list(owner?: string): KeyRecord[]
  /** `text` is shown once and kept nowhere. @throws {GatewayError} LIMIT_REACHED */
  create(key: NewKey): Promise<{ key: KeyRecord; text: string }>
  /** Whether there was one. The admin key cannot be revoked: change its file or variable. */
  revoke(id: string): Promise<boolean>
  /** Keys that this one made, and those made, that have not expired; it may have been revoked. */
  madeBy(id: string): KeyRecord[]
  /** Calls back when a key has been revoked. */
  onRevoked(callback: () => void): void
}

/** What {@link openKeyRing} works with. */
export interface KeyRingComponents {
  /** id → key, its secret hashed. */
  table: Pick<Table<KeyRecord>, 'values' | 'put' | 'del'>
  clock: Clock
}

/**
 * @param init.adminKey text of the admin key
 * @param init.adminKeyMadeAtMs when it was made, where that is known @default now
 */
export async function openKeyRing(
  components: KeyRingComponents,
  init: { adminKey: string; adminKeyMadeAtMs?: number },
): Promise<KeyRing> {
  const { table, clock } = components
  const byId = new Map<string, KeyRecord>()
  const byDigest = new Map<string, KeyRecord>()
  const listeners: (() => void)[] = []

  function remember(key: KeyRecord): void {
    byId.set(key.id, key)
    byDigest.set(key.digest, key)
  }

  function forget(key: KeyRecord): void {
    byId.delete(key.id)
    byDigest.delete(key.digest)
  }

  function valid(key: KeyRecord | undefined): KeyRecord | undefined {
    return key === undefined || (key.expiresAtMs !== null && key.expiresAtMs <= clock.nowMs()) ? undefined : key
  }

  for await (const key of table.values()) remember(key)
  remember({
    id: ADMIN_KEY_ID,
    name: 'Admin key of this gateway',
    owner: ADMIN_OWNER,
    grants: ['admin'],
    digest: digestOf(init.adminKey),
    createdAtMs: init.adminKeyMadeAtMs ?? clock.nowMs(),
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
    madeBy: (id) => [...byId.values()].filter((key) => key.makers?.includes(id) === true && valid(key) !== undefined),
    async create({ madeBy, ...init }) {
      if ([...byId.values()].filter(({ owner }) => owner === init.owner).length >= MAX_OWNED.keys) {
        const message = `An owner may have ${MAX_OWNED.keys} keys, expired ones included, and there are as many: revoke one first`
        throw new GatewayError('LIMIT_REACHED', message, { details: { limit: MAX_OWNED.keys } })
      }
      const text = newKeyText()
      const id = `key_${randomBytes(8).toString('hex')}`
      const makers = madeBy === undefined ? [] : [madeBy, ...(byId.get(madeBy)?.makers ?? [])].slice(0, MAX_MAKERS)
      const key = { id, ...init, makers, digest: digestOf(text), createdAtMs: clock.nowMs() }
      // Before it is written, so that those that are made at the same moment are counted; its text is told to nobody yet.
      remember(key)
      try {
        await table.put(id, key, { sync: true } as object)
      } catch (error) {
        forget(key)
        throw error
      }
      return { key, text }
    },
    async revoke(id) {
      const key = byId.get(id)
      if (key === undefined || id === ADMIN_KEY_ID) return false
      forget(key)
      for (const tell of listeners) tell()
      await table.del(id)
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
