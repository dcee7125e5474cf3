import type { ComponentProps } from 'react'
import { Icon } from '../../ui/icons.tsx'
import type { JobRow } from '../job-row.ts'

/** The three dots of a row. */
export function Dots({ job, ...rest }: { job: JobRow } & ComponentProps<'button'>) {
  return (
    <button
      {...rest}
      type="button"
      className="row-dots"
      aria-label={`Actions of ${job.name ?? job.image ?? 'the job'}`}
      title="Actions"
    >
      <Icon name="dots" />
    </button>
  )
}
