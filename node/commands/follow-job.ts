import { isTerminal } from '../../protocol/lifecycle.ts'
import { looks } from '../looks.ts'
import { type JobEvent, JobNotFoundError, type JobRecord, type JobStore, type LogRecord } from '../store/index.ts'

const LINES_AT_A_TIME = 1_000

/** Calls back for every event and line of a job, in order, history first, until the job is over; answers the job. */
export async function followJob(
  store: JobStore,
  id: string,
  on: { onEvent(event: JobEvent): Promise<void> | void; onLine(line: LogRecord): Promise<void> | void },
): Promise<JobRecord> {
  let lastEvent = 0
  let lastLine = 0
  for await (const _ of looks((changed) => store.onChange(id, changed))) {
    const job = await store.get(id)
    if (job === undefined) throw new JobNotFoundError(id)
    const over = isTerminal(job.state.status)
    for (const event of await store.events(id, lastEvent)) {
      lastEvent = event.seq
      await on.onEvent(event)
    }
    while (lastLine < job.logs.lines) {
      const lines = await store.logs(id, lastLine + 1, LINES_AT_A_TIME)
      if (lines.length === 0) break
      for (const line of lines) await on.onLine(line)
      lastLine = lines.at(-1)?.number ?? lastLine
    }
    if (over) return job
  }
  throw new JobNotFoundError(id) // the looks end with the job alone
}
