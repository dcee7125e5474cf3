import { Button, Code } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useMay } from '../../app/session.ts'
import { Empty } from '../../ui/empty.tsx'

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
  if (!mayWrite) {
    return (
      <Empty icon="jobs" title="No jobs yet">
        Your key may look at jobs, and submit none.
      </Empty>
    )
  }
  return (
    <Empty
      icon="jobs"
      title="Your first job"
      action={
        <Button component={Link} to="/jobs/create">
          Create Job
        </Button>
      }
    >
      A job is a container image that runs on somebody’s machine. Say what it needs; the providers of the network bid
      for it, the best offer gets it, and you follow its output here. Try the image <Code>busybox:1.36</Code> with the
      command <Code>echo hello</Code>: it costs a fraction of a cent.
    </Empty>
  )
}
