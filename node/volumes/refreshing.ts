import type { KeptVolume } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import type { Directory } from '../directory/index.ts'
import type { Logger } from '../logger.ts'
import type { JobStore, VolumeReceiptRecord, VolumeRecord } from '../store/index.ts'
import { askProvider, type Held, type Holder, isUnanswered, volumesAt } from './ask-provider.ts'
import { endedAttempts } from './attempts.ts'
import { type ChangeVolume, createSettling, type SettlingComponents } from './settling.ts'
import { owes, stopped } from './volume-account.ts'

/** How long a volume is told of that is there no more, in ms. */
const TOLD_MS = 7 * 24 * 3_600_000
/** How long after its time a volume is believed in that nobody could be asked about, in ms. */
const BELIEVED_MS = 24 * 3_600_000
/** A changed time that is written down, in ms: smaller ones are the way of messages. */
const TOLERATED_MS = 60_000

/** What {@link createRefreshing} works with. */
export interface VolumesComponents extends SettlingComponents {
  directory: Pick<Directory, 'get'>
  store: Pick<JobStore, 'volumes' | 'keepVolume' | 'volumeReceipts' | 'list' | 'get' | 'bill'>
  logger: Logger
}

/** The records, as providers tell of them. */
export interface Refreshing {
  keep(record: VolumeRecord): Promise<VolumeRecord>
  change: ChangeVolume
  /** Takes attempts that are over out of what has the volume. */
  leave(id: string): Promise<void>
  holderOf(record: VolumeRecord): Holder
  /** The record by what its provider says. */
  heard(record: VolumeRecord, held: Held): Promise<VolumeRecord | undefined>
  /** Asks one provider about all that it has, has removed what still is to be, and signs what is owed. */
  refresh(holder: Holder, signal: AbortSignal): Promise<void>
  /** Asks all of them, and forgets what was over long ago. */
  round(signal: AbortSignal): Promise<void>
}

/** Whether it may be at its provider. */
export const isThere = ({ state }: VolumeRecord): boolean => state === 'kept' || state === 'deleting'

/** @param records by id; what is heard is put there */
export function createRefreshing(components: VolumesComponents, records: Map<string, VolumeRecord>): Refreshing {
  const { directory, store, clock, logger } = components

  async function keep(record: VolumeRecord, receipt?: VolumeReceiptRecord): Promise<VolumeRecord> {
    records.set(record.id, record)
    await store.keepVolume(record.id, record, receipt)
    return record
  }

  const change: ChangeVolume = async (id, how, receipt) => {
    const record = records.get(id)
    return record === undefined ? undefined : await keep(how(record), receipt)
  }
  const { settle } = createSettling(components, (id) => records.get(id), change)

  async function leave(id: string): Promise<void> {
    const { account } = records.get(id) ?? {}
    const without = account === undefined ? null : await endedAttempts(components, account)
    if (without === null) return
    await change(id, (now) => (now.account === undefined ? now : { ...now, account: without(now.account) }))
  }

  function holderOf({ provider, addresses }: VolumeRecord): Holder {
    return { provider, addresses: directory.get(provider)?.addresses ?? addresses }
  }

  /** The record by what its provider says. */
  async function heard({ id }: VolumeRecord, { volumes, draining }: Held): Promise<VolumeRecord | undefined> {
    const found = volumes.get(id)
    await leave(id)
    const record = records.get(id)
    if (record === undefined) return undefined
    if (found === undefined || found.over) {
      const state = record.state === 'deleting' ? 'deleted' : 'gone'
      const over = { inUse: false, expiresAtMs: null, endedAtMs: clock.nowMs() }
      return await keep({ ...record, state, ...over, ...stopped(clock, record) })
    }
    const told = toldOf(record, found, draining, clock.nowMs())
    if (isSame(record, told)) {
      records.set(record.id, told)
      return told
    }
    return await keep(told)
  }

  /** Signs what is owed for one that is there, or was till now; what its provider has lost, it is paid for as far as that is signed. */
  async function pay({ id }: VolumeRecord, held: Held, holder: Holder, signal: AbortSignal): Promise<void> {
    await settle(id, held.volumes.get(id), holder, signal).catch((error) => {
      if (signal.aborted) return
      logger.warn({ volume: id, provider: holder.provider, error: String(error) }, 'a receipt was not signed')
    })
  }

  /** Asks one provider about all that it has, has removed what still is to be, and signs what is owed. */
  async function refresh(holder: Holder, signal: AbortSignal): Promise<void> {
    // One that is made, or made anew, meanwhile may be missing in what is told.
    const asked = [...records.values()].filter(({ provider }) => provider === holder.provider)
    const held = await volumesAt(components, holder, signal)
    for (const { id, account } of asked) {
      const record = records.get(id)
      if (record === undefined || record.account?.award !== account?.award) continue
      const found = held.volumes.get(id)
      const isBack = record.state === 'gone' && found?.over === false
      if (!isThere(record) && !isBack) {
        if (owes(clock, record)) await pay(record, held, holder, signal)
        continue
      }
      const told = await heard(record, held)
      if (told === undefined) continue
      await pay(told, held, holder, signal)
      if (told.state !== 'deleting' || found?.deleting === true) continue
      await askProvider(components, holder, { case: 'delete', value: { id } }, signal).catch((error) => {
        // What is refused is of this one alone: a job may have it, or it has ended meanwhile.
        if (isUnanswered(error)) throw error
      })
    }
  }

  async function round(signal: AbortSignal): Promise<void> {
    const nowMs = clock.nowMs()
    for (const record of [...records.values()]) {
      if (!isThere(record)) {
        if (nowMs - (record.endedAtMs ?? nowMs) < TOLD_MS) continue
        records.delete(record.id)
        await store.keepVolume(record.id, null)
      } else if (record.expiresAtMs !== null && nowMs > record.expiresAtMs + BELIEVED_MS) {
        // Where it is told of again it is there again: so its time is counted on, which is no more than it was to be kept.
        const state = record.state === 'deleting' ? 'deleted' : 'gone'
        await keep({ ...record, state, expiresAtMs: null, endedAtMs: nowMs })
      }
    }
    const asked = [...records.values()].filter((record) => record.state !== 'deleted' || owes(clock, record))
    const holders = new Map(asked.map((record) => [record.provider, holderOf(record)]))
    for (const holder of holders.values()) {
      if (directory.get(holder.provider)?.status === 'offline') continue
      await refresh(holder, signal).catch((error) => {
        if (!signal.aborted) logger.debug({ provider: holder.provider, error }, 'volumes were not asked about')
      })
    }
  }

  return { keep, change, leave, holderOf, heard, refresh, round }
}

function toldOf(record: VolumeRecord, found: KeptVolume, draining: boolean, nowMs: number): VolumeRecord {
  const { expiresInSeconds, keepSeconds } = found
  const expiresAtMs = expiresInSeconds === undefined ? null : nowMs + expiresInSeconds * 1000
  const isBack = record.state === 'gone' ? { state: 'kept' as const, endedAtMs: null } : {}
  return { ...record, ...isBack, keepSeconds, inUse: expiresInSeconds === undefined, expiresAtMs, draining }
}

function isSame(before: VolumeRecord, after: VolumeRecord): boolean {
  const drift = Math.abs((before.expiresAtMs ?? 0) - (after.expiresAtMs ?? 0))
  const fields = ['state', 'keepSeconds', 'inUse', 'draining'] as const
  return drift < TOLERATED_MS && fields.every((field) => before[field] === after[field])
}
