/**
 * Volumes that outlive their job. Each is its requester's alone, counts against the storage of this provider as long as it
 * is there, and goes so long after its last use as its requester said. See docs/decisions/0080-volumes-that-stay.md.
 */

import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { momentNow, spanSince } from '../../node/moment.ts'
import type { KeptRequirement } from '../../protocol/job-volumes.ts'
import type { Requirements } from '../../protocol/market-messages.ts'
import type { Refusal } from '../bidding/policy.ts'
import type { Book } from '../capacity/book.ts'
import type { ContainerEngine } from '../engine/index.ts'
import type { Journal } from '../journal/journal.ts'
import type { KeptRecord } from '../journal/records.ts'
import { keptVolumeName } from '../lease/container.ts'
import { keptKey, refusalOfKept, unpaidRefusal } from './keeping-rules.ts'
import { idleSeconds, isUsedUp, renewed, stopped, unpaidOf } from './kept-account.ts'
import { createKeptLeases, type KeptLeases } from './kept-leases.ts'
import { createKeptReceipts, type KeptReceipts } from './kept-receipts.ts'
import { createKeptRecords } from './kept-records.ts'
import { createKeptSweep } from './kept-sweep.ts'

/** A volume as its requester is told of it. */
export interface KeptView extends Pick<KeptRecord, 'id' | 'sizeBytes' | 'keepSeconds'> {
  /** Until it is removed; null while a job has it. */
  expiresInMs: number | null
  /** Its removal was asked for, and is not done yet. */
  deleting: boolean
  /** For how long no job has had it, in seconds; 0 of one without a price. */
  idleSeconds: number
  /** It is there no more, and its last receipt is not signed yet. */
  over: boolean
}

/** What came of a word about a volume. */
export type KeptAnswer = 'done' | 'unknown' | 'in-use' | 'later' | 'unpaid'

/** A volume whose files are read or written; that is a use of it. */
export interface LentVolume {
  /** On the engine. */
  name: string
  sizeBytes: number
  /** Its files are left alone again: from now on its time is counted anew. */
  giveBack(): Promise<void>
}

/** See {@link createKeptVolumes}. */
export interface KeptVolumes extends KeptReceipts, KeptLeases {
  /** Takes up what the journal has; then leases may be adopted. */
  start(): Promise<void>
  /** Removes what nobody wants any more, now and again, until it is stopped. */
  watch(): void
  stop(): Promise<void>
  /** Why the volumes that a request names cannot be had now, or the new ones not be kept; null where they can. */
  refusal(requester: string, wanted: Pick<Requirements, 'keptVolumes'>): Refusal | null
  /** How large the volume is; 0 where there is none of this requester's. */
  sizeOf(requester: string, id: string): number
  /** To read or write what is in it; null where there is none of this requester's, `unpaid` before something is signed for it. */
  lend(requester: string, id: string): LentVolume | 'unpaid' | null
  /** The requester's, by id. */
  list(requester: string): KeptView[]
  /** From now on it is kept so long after its last use. */
  extend(requester: string, id: string, keepSeconds: number): Promise<KeptAnswer>
  /** Removes it: at once, or `later` where the engine is away. */
  remove(requester: string, id: string): Promise<KeptAnswer>
}

/** What {@link createKeptVolumes} works with. */
export interface KeptVolumesComponents {
  engine: Pick<ContainerEngine, 'volumes' | 'removeVolume'>
  journal: Pick<Journal, 'volumes' | 'saveVolume' | 'dropVolume' | 'keptReceipt'>
  /** Signs receipts. */
  privateKey: PrivateKey
  book: Pick<Book, 'adopt' | 'release' | 'total'>
  clock: Clock
  logger: Logger
}

/** How much is kept; see `AgentInit`. */
export interface KeptVolumesInit {
  /** Peer id of this provider. */
  owner: string
  marketName: string
  maxKept: number
  maxKeepSeconds: number
  /** Share of `maxKept` that one requester may have, above 0 up to 1. */
  maxClientShare: number
}

/** Holds none before {@link KeptVolumes.start} has read the journal. */
export function createKeptVolumes(components: KeptVolumesComponents, init: KeptVolumesInit): KeptVolumes {
  const { book, clock, logger } = components
  const records = createKeptRecords(components)
  const sweep = createKeptSweep({ ...components, records }, init)
  const { settle } = createKeptReceipts({ ...components, records }, init)
  const find = (requester: string, id: string): KeptRecord | undefined => records.all.get(keptKey({ requester, id }))
  const isGoing = (record: KeptRecord): boolean =>
    record.deleting === true || sweep.removal(keptKey(record)) !== undefined

  function allOf(requester: string): KeptRecord[] {
    return [...records.all.values(), ...records.owed.values()].filter((record) => record.requester === requester)
  }

  function unpaid(requester: string, wanted: readonly KeptRequirement[]): Refusal | null {
    const all = allOf(requester)
    const usedUp = all.filter((record) => isUsedUp(clock, record))
    return unpaidRefusal(requester, wanted, unpaidOf(clock, all), usedUp)
  }

  return {
    settle,
    ...createKeptLeases({ records, sweep, clock }),
    start: records.read,
    watch: sweep.watch,
    stop: sweep.stop,
    refusal: (requester, { keptVolumes = [] }) =>
      unpaid(requester, keptVolumes) ??
      refusalOfKept(
        {
          ...{ records: records.all, users: records.users, storageBytes: book.total.storageBytes },
          isGoing: (key) => sweep.removal(key) !== undefined,
        },
        init,
        requester,
        keptVolumes,
      ),
    sizeOf: (requester, id) => find(requester, id)?.sizeBytes ?? 0,
    lend(requester, id) {
      const there = find(requester, id)
      if (there === undefined || isGoing(there)) return null
      if (isUsedUp(clock, there)) return 'unpaid'
      const end = records.lend(keptKey(there))
      return {
        name: keptVolumeName(init.owner, requester, id),
        sizeBytes: there.sizeBytes,
        async giveBack() {
          end()
          const now = find(requester, id)
          if (now === undefined || isGoing(now)) return
          await records.put({ ...now, ...renewed(clock, now), usedAt: momentNow(clock) })
        },
      }
    },
    list: (requester) =>
      allOf(requester)
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .map((record) => viewOf(clock, record, records.isUsed(keptKey(record)))),
    async extend(requester, id, keepSeconds) {
      const there = find(requester, id)
      if (there === undefined || isGoing(there)) return 'unknown'
      if (unpaidOf(clock, allOf(requester)).length > 0) return 'unpaid'
      await records.put({ ...there, ...renewed(clock, there), keepSeconds })
      return 'done'
    },
    async remove(requester, id) {
      const there = find(requester, id)
      // One that went by itself is gone as it was asked for; what is owed for it stays so.
      if (there === undefined) return records.owed.has(keptKey({ requester, id })) ? 'done' : 'unknown'
      if (records.isUsed(keptKey(there))) return 'in-use'
      const going = { ...there, deleting: true as const, ...stopped(clock, there) }
      await records.put(going)
      try {
        await sweep.remove(going)
        return 'done'
      } catch (error) {
        logger.warn({ volume: id, error: String(error) }, 'a volume is removed later')
        return 'later'
      }
    },
  }
}

function viewOf(clock: Clock, record: KeptRecord, isUsed: boolean): KeptView {
  const { id, sizeBytes, keepSeconds, deleting = false } = record
  const over = record.overAt !== undefined
  const leftMs = isUsed ? null : Math.max(0, keepSeconds * 1000 - spanSince(clock, record.usedAt))
  return { id, sizeBytes, keepSeconds, deleting, over, idleSeconds: idleSeconds(clock, record), expiresInMs: leftMs }
}
