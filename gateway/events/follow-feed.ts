import type { FeedEntry, JobStore } from '../../node/store/index.ts'
import { followSource } from './follow-source.ts'

/** Entries read at a time. */
const BATCH = 200

/** Batches of every job event after a position, in the order of writing, until the signal aborts. */
export async function* followFeed(
  store: Pick<JobStore, 'feed' | 'onFeed'>,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<FeedEntry[]> {
  let last = after
  const source = {
    async read() {
      const entries = await store.feed(last, BATCH)
      last = entries.at(-1)?.position ?? last
      return entries
    },
    ended: async () => false,
    onChange: (callback: () => void) => store.onFeed(callback),
  }
  yield* followSource(source, signal)
}
