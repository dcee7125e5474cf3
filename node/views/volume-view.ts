import { usdNumber } from '../../protocol/money.ts'
import { formatBytes } from '../../protocol/units.ts'
import type { Directory } from '../directory/index.ts'
import type { VolumeRecord } from '../store/index.ts'
import type { VolumeCost, Volumes } from '../volumes/index.ts'
import { isoTime, isoTimeOrNull } from './time.ts'

/** What a volume's view is made with. */
interface VolumeViewer {
  directory: Pick<Directory, 'get'>
  volumes: Pick<Volumes, 'users' | 'costOf'>
}

/** Volumes as the API shows them; the gateway's schema of one is held against this by its types. */
export async function volumeViews(records: readonly VolumeRecord[], { directory, volumes }: VolumeViewer) {
  const users = await volumes.users(records)
  return records.map((record) => volumeView(record, directory, users.get(record.id) ?? [], volumes.costOf(record)))
}

function volumeView(
  record: VolumeRecord,
  directory: Pick<Directory, 'get'>,
  usedBy: readonly string[],
  { pricePerGbHour, idleSeconds, cost, signed, most }: VolumeCost,
) {
  const { id, name, provider, jobId, sizeBytes, keepSeconds, state, inUse, draining } = record
  const known = directory.get(provider)
  return {
    id,
    name,
    provider,
    job: jobId,
    size: formatBytes(sizeBytes),
    keep: keepSeconds,
    status: state,
    inUse,
    usedBy: [...usedBy],
    createdAt: isoTime(record.createdAtMs),
    expiresAt: isoTimeOrNull(record.expiresAtMs),
    providerStatus: known?.status ?? ('offline' as const),
    draining,
    pricePerGbHour: usdNumber(pricePerGbHour),
    idleSeconds,
    cost: {
      current: usdNumber(cost),
      signed: usdNumber(signed),
      most: usdNumber(cost + most),
      currency: 'USD' as const,
    },
  }
}
