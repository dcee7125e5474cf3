import { type KeyRecord, type KeyRing, openKeyRing } from '../../../gateway/auth/key-ring.ts'
import type { Table } from '../../../gateway/records/table.ts'
import { systemClock } from '../../../node/clock.ts'

/** Keys of a gateway that has nothing but its admin key. */
export async function createKeyRingOf(adminKey: string): Promise<KeyRing> {
  const none = { values: async function* (): AsyncGenerator<KeyRecord> {} }
  return await openKeyRing({ table: none as unknown as Table<KeyRecord>, clock: systemClock }, { adminKey })
}
