import type { JobEvent, JobStore } from '../../node/store/index.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import type { ServerEvent } from '../events/index.ts'
import { followSource } from '../events/index.ts'
import { endEvent } from './logs.ts'
import { eventView } from './view.ts'

/** Events read at a time: one may have 32 details of a thousand characters. */
const BATCH_EVENTS = 50

/** A job's events after one of them, at most so many. */
export async function* eventsAfter(
  store: Pick<JobStore, 'events'>,
  id: string,
  after: number,
  most: number,
): AsyncGenerator<JobEvent> {
  let last = after
  for (let left = most; left > 0; ) {
    const events = await store.events(id, last, Math.min(left, BATCH_EVENTS))
    yield* events
    left -= events.length
    last = events.at(-1)?.seq ?? last
    if (events.length === 0) return
  }
}

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
  for await (const events of followSource(source, signal)) {
    yield events.map((event) => ({ id: event.seq, data: eventView(event) }))
  }
  if (!signal.aborted) yield [await endEvent(store, id, last)]
}
