import { formatBytes } from '../../protocol/units.ts'
import type { Directory } from '../directory/index.ts'
import type { VolumeRecord } from '../store/index.ts'
import { isoTime, isoTimeOrNull } from './time.ts'

/** A volume as the API shows it; the gateway's schema of it is held against this by its types. */
export function volumeView(record: VolumeRecord, directory: Pick<Directory, 'get'>) {
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
    createdAt: isoTime(record.createdAtMs),
    expiresAt: isoTimeOrNull(record.expiresAtMs),
    providerStatus: known?.status ?? ('offline' as const),
    draining,
  }
}
