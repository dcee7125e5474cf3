import { createHash } from 'node:crypto'
import type { PublicKey } from '../../node/ssh/public-key.ts'
import type { KeyRecord, KeyRing } from '../auth/index.ts'
import { allows } from '../contract/permissions.ts'
import { MAX_OWNED } from '../http/limits.ts'
import type { Principal } from '../http/principal.ts'
import { type Owned, type OwnedTable, openOwnedTable } from '../records/owned-table.ts'
import { type Database, openTable } from '../records/table.ts'

/** A public key as it is kept. */
export interface SshKeyRecord extends Owned {
  name: string
  type: PublicKey['type']
  /** As it goes over the wire, in base64. */
  blob: string
  /** Of the API key that added it. */
  keyId: string
  /** Of the text of that key: the admin key is another where its text is, and has the same id. */
  keyMark: string
  createdAtMs: number
}

/** The SSH keys of all owners. */
export interface SshKeys extends Pick<OwnedTable<SshKeyRecord>, 'visible' | 'page'> {
  add(record: Omit<SshKeyRecord, 'keyMark'>): Promise<SshKeyRecord>
  del(record: SshKeyRecord): Promise<void>
  /** Those that are this key and open something, each with on whose behalf. */
  find(blob: Buffer): { record: SshKeyRecord; principal: Principal }[]
  /** On whose behalf it opens jobs; undefined where it opens none any more. */
  principalOf(record: SshKeyRecord): Principal | undefined
  /** Calls `end` when it was removed, soon where it already is. @returns how to say that it is over by itself */
  watch(record: SshKeyRecord, end: () => void): () => void
}

/** Reads all of them. */
export async function openSshKeys({ db, keys }: { db: Database; keys: Pick<KeyRing, 'get'> }): Promise<SshKeys> {
  const limit = { most: MAX_OWNED.sshKeys, what: 'SSH keys' }
  /** id → key. */
  const table = await openOwnedTable({ db, table: openTable<SshKeyRecord>(db, 'ssh-keys') }, { limit })
  const byBlob = new Map<string, SshKeyRecord[]>()
  const watched = new Map<string, Set<() => void>>()
  const note = (record: SshKeyRecord): void =>
    void byBlob.set(record.blob, [...(byBlob.get(record.blob) ?? []), record])
  for await (const record of table.all()) note(record)

  function principalOf({ keyId, keyMark, owner }: SshKeyRecord): Principal | undefined {
    const key = keys.get(keyId)
    if (key === undefined || key.owner !== owner || !allows(key.grants, 'jobs:write')) return undefined
    if (keyMark !== markOf(key)) return undefined
    return { keyId, owner, grants: key.grants, via: 'key' }
  }

  return {
    page: table.page,
    visible: table.visible,
    principalOf,
    async add(added) {
      const key = keys.get(added.keyId)
      const record = { ...added, keyMark: key === undefined ? '' : markOf(key) }
      await table.add(record)
      note(record)
      return record
    },
    async del(record) {
      const others = (byBlob.get(record.blob) ?? []).filter(({ id }) => id !== record.id)
      if (others.length > 0) byBlob.set(record.blob, others)
      else byBlob.delete(record.blob)
      for (const end of [...(watched.get(record.id) ?? [])]) end()
      await table.del(record.id)
    },
    find: (blob) =>
      (byBlob.get(blob.toString('base64')) ?? []).flatMap((record) => {
        const principal = principalOf(record)
        return principal === undefined ? [] : [{ record, principal }]
      }),
    watch({ id, blob }, end) {
      // It may go while it is looked at whom it lets in.
      if (!(byBlob.get(blob) ?? []).some((one) => one.id === id)) queueMicrotask(end)
      const ends = watched.get(id) ?? new Set()
      watched.set(id, ends.add(end))
      return () => {
        ends.delete(end)
        if (ends.size === 0) watched.delete(id)
      }
    },
  }
}

/** Tells whether two keys have one text; nobody finds the text by it who cannot by the key's own digest. */
function markOf({ digest }: Pick<KeyRecord, 'digest'>): string {
  return createHash('sha256').update(`ssh ${digest}`).digest('hex').slice(0, 32)
}
