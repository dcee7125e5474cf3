import type { JobStore } from '../../node/store/index.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { follow } from '../sse/follow.ts'
import type { ServerEvent } from '../sse/sse.ts'
import { endEvent } from './logs.ts'
import { eventView } from './view.ts'

const BATCH_EVENTS = 200

/** A job's events after one of them, history first and then live, each once; then `end`. */
export async function* followEvents(
  store: Pick<JobStore, 'get' | 'events' | 'onChange'>,
  id: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent[]> {
  let last = after
  const source = {
    async read() {
      const events = await store.events(id, last, BATCH_EVENTS)
      last = events.at(-1)?.seq ?? last
      return events
    },
    async ended() {
      const job = await store.get(id)
      return job === undefined || isTerminal(job.state.status)
    },
    onChange: (callback: () => void) => store.onChange(id, callback),
  }
  for await (const events of follow(source, signal)) {
    yield events.map((event) => ({ id: event.seq, data: eventView(event) }))
  }
  if (!signal.aborted) yield [await endEvent(store, id, last)]
}
