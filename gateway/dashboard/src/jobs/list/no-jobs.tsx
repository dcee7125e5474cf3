import { Button } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { useMay } from '../../app/session.ts'
import { Empty } from '../../ui/empty.tsx'

const FirstSteps = lazy(async () => ({ default: (await import('./first-steps.tsx')).FirstSteps }))

/** What stands where the table would be. */
export function NoJobs({ isFiltered, onClear }: { isFiltered: boolean; onClear(): void }) {
  const mayWrite = useMay('jobs:write')
  if (isFiltered) {
    return (
      <Empty
        icon="search"
        title="No job matches"
        action={
          <Button variant="default" onClick={onClear}>
            Show all jobs
          </Button>
        }
      >
        Change the search or the filters above.
      </Empty>
    )
  }
  if (mayWrite) {
    return (
      <Suspense fallback={null}>
        <FirstSteps rows={[]} />
      </Suspense>
    )
  }
  return (
    <Empty icon="jobs" title="No jobs yet">
      Your key may look at jobs, and submit none.
    </Empty>
  )
}
