import { EventEmitter } from 'node:events'
import type { JobRecord, JobStore } from '../index.ts'
import type { JobIndexes } from '../indexes/job-indexes.ts'
import { numberKey, type Tables } from '../tables.ts'
import { type Operation, put, type Writer } from '../writer.ts'
import type { Gathered } from './job-draft.ts'

/** Writes what changed of a job in one batch, record, indexes, events and feed, and wakes whoever reads it. */
export interface Commits extends Pick<JobStore, 'feedEnd' | 'onChange' | 'onFeed'> {
  /** @param before the record as it was; undefined for a new job */
  commit(before: JobRecord | undefined, gathered: Gathered, extra?: Operation[]): Promise<void>
}

/** Reads where the feed ends, from which the next positions follow. */
export async function openCommits(components: {
  tables: Tables
  writer: Writer
  indexes: JobIndexes
}): Promise<Commits> {
  const { tables, writer, indexes } = components
  const wakes = new EventEmitter().setMaxListeners(0)
  let feedEnd = await lastFeedPosition(tables)

  function listen(name: string, callback: () => void): () => void {
    wakes.on(name, callback)
    return () => wakes.off(name, callback)
  }

  return {
    feedEnd: () => feedEnd,
    onChange: listen,
    onFeed: (callback) => listen('feed', callback),
    /** From the counting on it happens in one turn, so that positions follow the order of writing. */
    async commit(before, gathered, extra = []) {
      const { job, events } = gathered
      if (gathered.operations.length === 0 && extra.length === 0) return
      const change = await indexes.change(before, job)
      try {
        const operations = [...gathered.operations, ...extra, ...change.entries, ...change.count()]
        for (const event of events) {
          feedEnd += 1
          operations.push(put(tables.feed, numberKey(feedEnd), { jobId: job.id, owner: job.owner, event }))
        }
        await writer.write(operations, gathered.durable)
      } finally {
        change.done()
      }
      wakes.emit(job.id)
      if (events.length > 0) wakes.emit('feed')
    },
  }
}

async function lastFeedPosition(tables: Tables): Promise<number> {
  for await (const position of tables.feed.keys({ reverse: true, limit: 1 })) return Number(position)
  return 0
}
