import type { KeptVolume } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import type { Clock } from '../clock.ts'
import type { Directory } from '../directory/index.ts'
import type { Logger } from '../logger.ts'
import type { PeerNetwork } from '../network/index.ts'
import type { JobStore, VolumeRecord } from '../store/index.ts'
import { askProvider, type Held, type Holder, volumesAt } from './ask-provider.ts'

/** How long a volume is told of that is there no more, in ms. */
const TOLD_MS = 7 * 24 * 3_600_000
/** How long after its time a volume is believed in that nobody could be asked about, in ms. */
const BELIEVED_MS = 24 * 3_600_000
/** A changed time that is written down, in ms: smaller ones are the way of messages. */
const TOLERATED_MS = 60_000

/** What {@link createRefreshing} works with. */
export interface VolumesComponents {
  network: PeerNetwork
  directory: Pick<Directory, 'get'>
  store: Pick<JobStore, 'volumes' | 'keepVolume' | 'list'>
  clock: Clock
  logger: Logger
}

/** The records, as providers tell of them. */
export interface Refreshing {
  keep(record: VolumeRecord): Promise<VolumeRecord>
  holderOf(record: VolumeRecord): Holder
  /** The record by what its provider says. */
  heard(record: VolumeRecord, held: Held): Promise<VolumeRecord>
  /** Asks one provider about all that it has, and has removed what still is to be. */
  refresh(holder: Holder, signal: AbortSignal): Promise<void>
  /** Asks all of them, and forgets what was over long ago. */
  round(signal: AbortSignal): Promise<void>
}

/** Whether it may be at its provider. */
export const isThere = ({ state }: VolumeRecord): boolean => state === 'kept' || state === 'deleting'

/** @param records by id; what is heard is put there */
export function createRefreshing(components: VolumesComponents, records: Map<string, VolumeRecord>): Refreshing {
  const { directory, store, clock, logger } = components

  async function keep(record: VolumeRecord): Promise<VolumeRecord> {
    records.set(record.id, record)
    await store.keepVolume(record.id, record)
    return record
  }

  function holderOf({ provider, addresses }: VolumeRecord): Holder {
    return { provider, addresses: directory.get(provider)?.addresses ?? addresses }
  }

  /** The record by what its provider says. */
  async function heard(record: VolumeRecord, { volumes, draining }: Held): Promise<VolumeRecord> {
    const found = volumes.get(record.id)
    if (found === undefined) {
      const state = record.state === 'deleting' ? 'deleted' : 'gone'
      return await keep({ ...record, state, inUse: false, expiresAtMs: null, endedAtMs: clock.nowMs() })
    }
    const told = toldOf(record, found, draining, clock.nowMs())
    if (isSame(record, told)) {
      records.set(record.id, told)
      return told
    }
    return await keep(told)
  }

  /** Asks one provider about all that it has, and has removed what still is to be. */
  async function refresh(holder: Holder, signal: AbortSignal): Promise<void> {
    const held = await volumesAt(components, holder, signal)
    for (const { id, provider } of [...records.values()]) {
      const record = records.get(id)
      if (record === undefined || provider !== holder.provider || !isThere(record)) continue
      const told = await heard(record, held)
      if (told.state !== 'deleting' || held.volumes.get(id)?.deleting === true) continue
      await askProvider(components, holder, { case: 'delete', value: { id } }, signal)
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
        await keep({ ...record, state: 'gone', expiresAtMs: null, endedAtMs: nowMs })
      }
    }
    const holders = new Map([...records.values()].filter(isThere).map((record) => [record.provider, holderOf(record)]))
    for (const holder of holders.values()) {
      if (directory.get(holder.provider)?.status === 'offline') continue
      await refresh(holder, signal).catch((error) => {
        if (!signal.aborted) logger.debug({ provider: holder.provider, error }, 'volumes were not asked about')
      })
    }
  }

  return { keep, holderOf, heard, refresh, round }
}

function toldOf(record: VolumeRecord, found: KeptVolume, draining: boolean, nowMs: number): VolumeRecord {
  const { expiresInSeconds, keepSeconds } = found
  const expiresAtMs = expiresInSeconds === undefined ? null : nowMs + expiresInSeconds * 1000
  return { ...record, keepSeconds, inUse: expiresInSeconds === undefined, expiresAtMs, draining }
}

function isSame(before: VolumeRecord, after: VolumeRecord): boolean {
  const drift = Math.abs((before.expiresAtMs ?? 0) - (after.expiresAtMs ?? 0))
  const fields = ['keepSeconds', 'inUse', 'draining'] as const
  return drift < TOLERATED_MS && fields.every((field) => before[field] === after[field])
}
