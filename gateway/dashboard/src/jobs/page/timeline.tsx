import type { Job } from '../../../../client/index.ts'
import { between, exact } from '../../format/time.ts'
import { useNow } from '../../ui/time.tsx'

interface Step {
  name: string
  /** ms; null where it has not come to that. */
  fromMs: number | null
  toMs: number | null
}

/** From Pending to the end, with the time in each. */
export function Timeline({ job }: { job: Job }) {
  const now = useNow()
  const steps = stepsOf(job)
  return (
    <ol className="timeline">
      {steps.map(({ name, fromMs, toMs }) => {
        const state = fromMs === null ? 'ahead' : toMs === null ? 'here' : 'past'
        return (
          <li key={name} data-state={state} aria-current={state === 'here' ? 'step' : undefined}>
            <strong>{name}</strong>
            {fromMs !== null && (
              <>
                <span>
                  {name === steps.at(-1)?.name && isEnd(name) ? '' : between(fromMs, toMs ?? Math.max(now, fromMs))}
                </span>
                <time dateTime={new Date(fromMs).toISOString()} title={exact(fromMs)}>
                  {new Date(fromMs).toLocaleTimeString('en-GB')}
                </time>
              </>
            )}
          </li>
        )
      })}
    </ol>
  )
}

function stepsOf({ status, createdAt, scheduledAt, startedAt, endedAt }: Job): Step[] {
  const [created, scheduled, started, ended] = [createdAt, scheduledAt, startedAt, endedAt].map((at) =>
    at ? Date.parse(at) : null,
  )
  const end = ended ?? null
  const last = isEnd(status.charAt(0).toUpperCase() + status.slice(1)) ? status : 'completed'
  const steps: Step[] = [
    { name: 'Pending', fromMs: created ?? null, toMs: scheduled ?? end },
    { name: 'Scheduled', fromMs: scheduled ?? null, toMs: started ?? end },
    { name: 'Running', fromMs: started ?? null, toMs: end },
    { name: last.charAt(0).toUpperCase() + last.slice(1), fromMs: end, toMs: end },
  ]
  // What a job never came to is not ahead of it once it has ended.
  return end === null ? steps : steps.filter(({ fromMs }) => fromMs !== null)
}

function isEnd(name: string): boolean {
  return ['Completed', 'Failed', 'Cancelled'].includes(name)
}
