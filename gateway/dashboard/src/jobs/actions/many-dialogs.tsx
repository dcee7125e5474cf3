import { lazy, Suspense } from 'react'
import type { JobRow } from '../job-row.ts'

const CancelJob = lazy(async () => ({ default: (await import('./cancel-job.tsx')).CancelJob }))
const ResubmitJobs = lazy(async () => ({ default: (await import('./resubmit-jobs.tsx')).ResubmitJobs }))

interface ManyDialogsProps {
  /** What is asked; null while nothing is. */
  asks: 'cancel' | 'resubmit' | null
  /** The same array for as long as a dialog is open; empty until one was. */
  jobs: JobRow[]
  onClose(): void
  onCancelled?(): void
  /** Told of each that was submitted again. */
  onResubmitted(id: string): void
}

/** What is asked before something is done to many jobs; fetched once something is. */
export function ManyDialogs({ asks, jobs, onClose, onCancelled, onResubmitted }: ManyDialogsProps) {
  if (jobs.length === 0) return null
  return (
    <Suspense fallback={null}>
      <CancelJob
        jobs={jobs}
        isOpen={asks === 'cancel'}
        onClose={onClose}
        {...(onCancelled && { onDone: onCancelled })}
      />
      <ResubmitJobs jobs={jobs} isOpen={asks === 'resubmit'} onClose={onClose} onDone={onResubmitted} />
    </Suspense>
  )
}
