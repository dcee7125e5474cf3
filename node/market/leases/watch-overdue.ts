import type { Clock } from '../../clock.ts'
import type { JobStore } from '../../store/index.ts'
import { createOverdueCheck, type Overdue, type OverdueTimes } from './overdue.ts'

/** Looks after each heartbeat whether the provider is late with something; the signal aborts when it is, or with the parent. */
export function watchOverdue(
  { store, clock }: { store: Pick<JobStore, 'get' | 'problem'>; clock: Clock },
  jobId: string,
  times: OverdueTimes & { heartbeatMs: number },
  parent: AbortSignal,
) {
  const late = new AbortController()
  const done = new AbortController()
  let check = createOverdueCheck({ clock }, times)
  let overdue: Overdue | null = null
  const watching = (async () => {
    while (overdue === null) {
      await clock.sleep(times.heartbeatMs, AbortSignal.any([parent, done.signal]))
      const job = await store.get(jobId)
      // What cannot be stored is not the provider's delay: its time begins anew.
      if (store.problem() !== null) check = createOverdueCheck({ clock }, times)
      else if (job !== undefined) overdue = check(job)
    }
    late.abort(new Error(`The provider is late: ${overdue}`))
  })().catch(() => undefined) // stopped
  return {
    signal: AbortSignal.any([parent, late.signal]),
    overdue: () => overdue,
    async stop() {
      done.abort()
      await watching
    },
  }
}
