import type { PublicKey } from '../../node/ssh/public-key.ts'
import type { KeyRing } from '../auth/index.ts'
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
  createdAtMs: number
}

/** The SSH keys of all owners. */
export interface SshKeys extends Pick<OwnedTable<SshKeyRecord>, 'visible' | 'page'> {
  add(record: SshKeyRecord): Promise<void>
  del(record: SshKeyRecord): Promise<void>
  /** Those that are this key and open something, each with on whose behalf. */
  find(blob: Buffer): { record: SshKeyRecord; principal: Principal }[]
  /** On whose behalf it opens jobs; undefined where it opens none any more. */
  principalOf(record: SshKeyRecord): Principal | undefined
  /** Calls `end` when it was removed. @returns how to say that it is over by itself */
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

  function principalOf({ keyId, owner }: SshKeyRecord): Principal | undefined {
    const key = keys.get(keyId)
    if (key === undefined || key.owner !== owner || !allows(key.grants, 'jobs:write')) return undefined
    return { keyId, owner, grants: key.grants, via: 'key' }
  }

  return {
    page: table.page,
    visible: table.visible,
    principalOf,
    async add(record) {
      await table.add(record)
      note(record)
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
    watch({ id }, end) {
      const ends = watched.get(id) ?? new Set()
      watched.set(id, ends.add(end))
      return () => {
        ends.delete(end)
        if (ends.size === 0) watched.delete(id)
      }
    },
  }
}
