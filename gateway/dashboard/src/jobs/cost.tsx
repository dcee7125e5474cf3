import { costNow } from '../../../contract/cost.ts'
import { usd, usdExact } from '../format/amounts.ts'
import { useNow } from '../ui/time.tsx'
import type { JobRow } from './job-row.ts'

/** What a job costs: counting up while it runs, wherever it is shown. */
export function Cost({ job }: { job: Pick<JobRow, 'cost' | 'startedAt' | 'endedAt' | 'duration' | 'config'> }) {
  const now = useNow()
  const { current, projected, final } = job.cost ?? {}
  if (final !== undefined) return <span>{usdExact(final)}</span>
  const title = `${usdExact(current)} metered, at most ${usdExact(projected)} for its whole duration and grace`
  return <span title={title}>{usd(costNow(job, now))}</span>
}
