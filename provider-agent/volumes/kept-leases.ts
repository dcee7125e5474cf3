import type { Clock } from '../../node/clock.ts'
import { momentNow } from '../../node/moment.ts'
import { type KeptRecord, type LeaseRecord, type LeaseVolume, leaseId } from '../journal/records.ts'
import { keptKey } from './keeping-rules.ts'
import { accountFor, givenUp, started, taken } from './kept-account.ts'
import type { KeptRecords } from './kept-records.ts'
import type { KeptSweep } from './kept-sweep.ts'

/** What becomes of leases, as far as their volumes outlive them. */
export interface KeptLeases {
  /** A lease has its volumes from this moment on; resolves when that is written down. */
  begun(record: LeaseRecord): Promise<void>
  /** A lease of an earlier process, which has ended, has those of its volumes that it had not left by then: its container may be there. */
  resumed(record: LeaseRecord): void
  /** Once the leases of earlier processes are known: what no lease has that was had then, none has from this moment on. */
  releaseUnused(): Promise<void>
  /** What its volumes hold of this provider's storage passes from the lease to them. */
  hold(record: LeaseRecord): void
  /** The container of the lease is gone. @param unheard whether its requester may never have heard that it had one @default false */
  ended(record: LeaseRecord, unheard?: boolean): Promise<void>
  /** Its requester gave the lease up after it had ended. */
  givenUp(record: LeaseRecord): Promise<void>
}

/** Which leases have volumes, written down with these. */
export function createKeptLeases({
  records,
  sweep,
  clock,
}: {
  records: KeptRecords
  sweep: Pick<KeptSweep, 'removal'>
  clock: Clock
}): KeptLeases {
  /** A job's next attempt here finds what the one before left; it is written once that is not being removed any more. */
  async function made(key: string, lease: LeaseRecord, { kept, sizeBytes }: LeaseVolume): Promise<void> {
    const { requester } = lease
    const { id = '', keepSeconds = 0 } = kept ?? {}
    // Until its end the lease itself holds this room.
    records.letGo(key)
    const fresh: KeptRecord = { requester, id, sizeBytes, keepSeconds, usedAt: momentNow(clock) }
    const { deleting: _deleted, account: earlier, ...before } = records.all.get(key) ?? fresh
    const account = earlier ?? records.owed.get(key)?.account
    const record = {
      ...{ ...before, sizeBytes: Math.max(sizeBytes, before.sizeBytes) },
      ...accountFor(lease, account),
    }
    const removal = sweep.removal(key)
    if (removal !== undefined) await removal.catch(() => undefined) // it is tried again, where nobody has it
    await records.put(record)
  }

  return {
    async begun(record) {
      const id = leaseId(record.jobId, record.fence)
      const kept = keptOf(record)
      for (const { key, volume } of kept) records.use(key, id, volume.kept?.shared === true)
      await Promise.all(
        kept.map(async ({ key, volume, isNew }) => {
          if (isNew) await made(key, record, volume)
          const there = records.all.get(key)
          if (there !== undefined) await records.put({ ...there, ...taken(clock, there, id) })
        }),
      )
    },
    resumed(record) {
      const id = leaseId(record.jobId, record.fence)
      for (const { key, volume } of keptOf(record)) {
        const there = records.all.get(key)
        if (there?.hadBy?.includes(id) === true) records.use(key, id, volume.kept?.shared === true)
      }
    },
    async releaseUnused() {
      for (const there of [...records.all.values()]) {
        const wasHad = there.hadBy !== undefined || there.account?.idleSince === null
        if (!wasHad || there.deleting === true || records.isUsed(keptKey(there))) continue
        // Nobody knows whether its requester heard of the lease that had it.
        await records.put({ ...there, ...started(clock, there, true), usedAt: momentNow(clock) })
      }
    },
    hold(record) {
      for (const { key, isNew } of keptOf(record)) {
        const there = records.all.get(key)
        if (isNew && there !== undefined) records.hold(there)
      }
    },
    async ended(record, unheard = false) {
      for (const { key, isNew } of keptOf(record)) {
        const had = records.leave(key, leaseId(record.jobId, record.fence))
        const there = records.all.get(key)
        if (!had || there === undefined) continue
        const account = records.isUsed(key) ? {} : started(clock, there, unheard && isNew)
        await records.put({ ...there, usedAt: momentNow(clock), ...account })
      }
    },
    async givenUp(record) {
      for (const { key } of keptOf(record)) {
        const known = records.all.get(key) ?? records.owed.get(key)
        if (known === undefined) continue
        await records.note({ ...known, ...givenUp(known, leaseId(record.jobId, record.fence)) })
      }
    },
  }
}

/** The volumes of a lease that outlive it; a new one is made by it. */
function keptOf({ requester, job }: LeaseRecord): { key: string; volume: LeaseVolume; isNew: boolean }[] {
  return (job.volumes ?? []).flatMap((volume) => {
    if (volume.kept === undefined) return []
    const { id, keepSeconds } = volume.kept
    return [{ key: keptKey({ requester, id }), volume, isNew: keepSeconds !== undefined }]
  })
}
