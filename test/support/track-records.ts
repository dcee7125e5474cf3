import type { JobStore, TrackRecord } from '../../node/store/index.ts'

/** What was seen of providers, kept in memory in the store's place. */
export function memoryTrackRecords(): Pick<JobStore, 'trackRecords' | 'keepTrackRecord'> {
  const records = new Map<string, TrackRecord>()
  return {
    trackRecords: async () => new Map(records),
    async keepTrackRecord(provider, record) {
      if (record === null) records.delete(provider)
      else records.set(provider, record)
    },
  }
}
